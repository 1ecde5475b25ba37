/**
 * The table of messages: where the bytes of each lie, and in how many live records it is named.
 */
import type { Guid } from "../../model/record.ts";
import type { Connection } from "./connection.ts";

export interface BodyPlace {
  readonly segment: number;
  /** Where its header starts. */
  readonly offset: number;
  /** Bytes of the message, without the header. */
  readonly size: number;
}

export interface BodyRow extends BodyPlace {
  readonly id: number;
  readonly refs: number;
  /** When it was last staged, in milliseconds since 1970; 0 once a record that named it is gone. */
  readonly stagedAt: number;
}

/** A message to be entered. */
export interface NewBody extends BodyPlace {
  readonly guid: Guid;
}

/** Hexadecimal digits of a GUID in its prefix. */
const PREFIX_DIGITS = 12;
/** GUIDs looked up by one statement. */
const LOOKED_UP = 1024;

/** Where the bytes of a message lie. */
export function findPlace(db: Connection, guid: Guid): BodyPlace | null {
  type Row = [segment: number, offset: number, size: number];
  const sql = `SELECT segment, offset, size FROM body_prefix JOIN body USING (id)
    WHERE body_prefix.prefix = ? AND guid = ?`;
  const row = db.row<Row>(sql, prefixOf(guid), Buffer.from(guid, "hex"));
  return row === undefined ? null : { segment: row[0], offset: row[1], size: row[2] };
}

/** The rows of those of `guids` that are there. */
export function findBodies(db: Connection, guids: readonly Guid[]): Map<Guid, BodyRow> {
  type Row = [at: number, id: number, segment: number, offset: number, size: number, refs: number, stagedAt: number];
  const found = new Map<Guid, BodyRow>();
  for (const row of lookUp<Row>(db, "body.id, segment, offset, size, refs, staged_at", guids)) {
    const [at, id, segment, offset, size, refs, stagedAt] = row;
    found.set(guids[at] as Guid, { id, segment, offset, size, refs, stagedAt });
  }
  return found;
}

/** Where the messages lie: as `findBodies`, but many times faster where their ids are consecutive. */
export function findPlaces(db: Connection, guids: readonly Guid[]): Map<Guid, BodyPlace> {
  const places = new Map<Guid, BodyPlace>();
  for (let i = 0; i < guids.length; i += LOOKED_UP) {
    const some = guids.slice(i, i + LOOKED_UP);
    const first = firstOfRun(db, some);
    if (first === null) for (const [guid, row] of findBodies(db, some)) places.set(guid, row);
    else for (const [at, row] of placesOfRun(db, first, some.length).entries()) places.set(some[at] as Guid, row);
  }
  return places;
}

function placesOfRun(db: Connection, first: number, count: number): BodyPlace[] {
  type Row = [segment: number, offset: number, size: number];
  const sql = "SELECT segment, offset, size FROM body WHERE id BETWEEN ? AND ? ORDER BY id";
  const rows = db.rows<Row>(sql, first, first + count - 1);
  return rows.map(([segment, offset, size]) => ({ segment, offset, size }));
}

/** The ids of the messages, undefined for one that is not there. */
export function findIds(db: Connection, guids: readonly Guid[]): (number | undefined)[] {
  const ids: (number | undefined)[] = [];
  for (let i = 0; i < guids.length; i += LOOKED_UP) {
    const some = guids.slice(i, i + LOOKED_UP);
    const first = firstOfRun(db, some);
    const found = new Map(first === null ? lookUp<[number, number]>(db, "body.id", some) : []);
    for (let at = 0; at < some.length; at++) ids.push(first === null ? found.get(at) : first + at);
  }
  return ids;
}

/**
 * The id of the first message if the ids of all are consecutive, else null. Messages are staged in the order in which
 * records name them, as a rule, and looking through neighbours is many times faster than finding each in the index.
 */
function firstOfRun(db: Connection, guids: readonly Guid[]): number | null {
  const [first] = findBodies(db, guids.slice(0, 1)).values();
  if (first === undefined) return null;
  const sql = "SELECT count(*) FROM body WHERE id BETWEEN ? AND ? AND guid = substr(?, 1 + 32 * (id - ?), 32)";
  const last = first.id + guids.length - 1;
  const row = db.row<[number]>(sql, first.id, last, Buffer.from(guids.join(""), "hex"), first.id);
  return row?.[0] === guids.length ? first.id : null;
}

/**
 * Rows of those that are there, each behind its index in `guids`. The GUIDs are compared where they lie; they are looked
 * up in the order of the index, so that neighbours are found on one page.
 */
function* lookUp<T extends readonly [number, ...unknown[]]>(
  db: Connection,
  columns: string,
  guids: readonly Guid[],
): Generator<T> {
  const sql = `SELECT wanted.key, ${columns} FROM json_each(?) AS wanted
    CROSS JOIN body_prefix ON body_prefix.prefix = wanted.value
    JOIN body ON body.id = body_prefix.id AND body.guid = substr(?, 1 + 32 * wanted.key, 32)`;
  for (let start = 0; start < guids.length; start += LOOKED_UP) {
    const some = guids.slice(start, start + LOOKED_UP);
    const prefixes = Float64Array.from(some, prefixOf);
    const order = Array.from(some.keys()).sort((a, b) => (prefixes[a] as number) - (prefixes[b] as number));
    const keys = JSON.stringify(order.map((at) => prefixes[at]));
    const bytes = Buffer.from(order.map((at) => some[at]).join(""), "hex");
    for (const row of db.rows<T>(sql, keys, bytes))
      yield [start + (order[row[0]] as number), ...row.slice(1)] as unknown as T;
  }
}

/** The id that the next new message gets. */
export function nextBodyId(db: Connection): number {
  return db.row<[number]>("SELECT body FROM sequence")?.[0] ?? 1;
}

/** GUIDs of the messages entered from this id on. */
export function guidsSince(db: Connection, id: number): Set<Guid> {
  return new Set(db.rows<[Buffer]>("SELECT guid FROM body WHERE id >= ?", id).map(([guid]) => guid.toString("hex")));
}

/** Of the last messages that were entered, how many are looked through for those that no record names. */
const LOOKED_THROUGH = 4096;

/** GUIDs of those of the last messages entered that no record names. */
export function unnamedBodies(db: Connection): Guid[] {
  const since = nextBodyId(db) - LOOKED_THROUGH;
  const rows = db.rows<[Buffer]>("SELECT guid FROM body WHERE id >= ? AND refs = 0", since);
  return rows.map(([guid]) => guid.toString("hex"));
}

/** Rows entered by one statement: each call into the database costs as much as some rows. */
const ENTERED_ROWS = 32;
const ROW = "(?, ?, ?, ?, ?, ?, 0, ?)";
const INSERT_MANY = insertRows(ENTERED_ROWS);

function insertRows(count: number): string {
  return `INSERT INTO body VALUES ${Array(count).fill(ROW).join(", ")}`;
}

/** Enters messages that are not there yet. */
export function insertBodies(db: Connection, bodies: readonly NewBody[], stagedAt: number): void {
  const first = nextBodyId(db);
  for (let start = 0; start < bodies.length; start += ENTERED_ROWS) {
    const some = bodies.slice(start, start + ENTERED_ROWS);
    const values: (number | Uint8Array)[] = [];
    for (const [i, { guid, segment, offset, size }] of some.entries())
      values.push(first + start + i, prefixOf(guid), Buffer.from(guid, "hex"), segment, offset, size, stagedAt);
    db.run(some.length === ENTERED_ROWS ? INSERT_MANY : insertRows(some.length), ...values);
  }
  const last = first + bodies.length - 1;
  db.run("INSERT INTO body_prefix SELECT prefix, id FROM body WHERE id BETWEEN ? AND ? ORDER BY prefix", first, last);
  db.run("UPDATE sequence SET body = ?", last + 1);
}

/** Marks a message that is only staged as staged again. */
export function touchBody(db: Connection, id: number, stagedAt: number): void {
  db.run("UPDATE body SET staged_at = ? WHERE id = ? AND refs = 0", stagedAt, id);
}

/**
 * Counts references of rows up or down. Messages are staged in the order in which records name them, as a rule, so
 * their ids are neighbours and one statement serves many.
 */
export function changeReferences(db: Connection, changes: ReadonlyMap<number, number>): void {
  const ids = [...changes.keys()].filter((id) => changes.get(id) !== 0).sort((a, b) => a - b);
  let start = 0;
  for (let i = 1; i <= ids.length; i++) {
    const first = ids[start] as number;
    const by = changes.get(first) as number;
    const next = ids[i];
    if (next !== undefined && next === first + (i - start) && changes.get(next) === by) continue;
    const released = by < 0 ? ", staged_at = 0" : "";
    db.run(`UPDATE body SET refs = refs + ?${released} WHERE id BETWEEN ? AND ?`, by, first, first + (i - start) - 1);
    start = i;
  }
}

function prefixOf(guid: Guid): number {
  return Number.parseInt(guid.slice(0, PREFIX_DIGITS), 16);
}

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
  const sql = "SELECT segment, offset, size FROM body WHERE prefix = ? AND guid = ?";
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

/** Rows of those that are there, each behind its index in `guids`. The GUIDs are compared where they lie. */
function* lookUp<T extends readonly [number, ...unknown[]]>(
  db: Connection,
  columns: string,
  guids: readonly Guid[],
): Generator<T> {
  const sql = `SELECT wanted.key + ?, ${columns} FROM json_each(?) AS wanted
    CROSS JOIN body ON body.prefix = wanted.value AND body.guid = substr(?, 1 + 32 * wanted.key, 32)`;
  for (let i = 0; i < guids.length; i += LOOKED_UP) {
    const some = guids.slice(i, i + LOOKED_UP);
    yield* db.rows<T>(sql, i, JSON.stringify(some.map(prefixOf)), Buffer.from(some.join(""), "hex"));
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

/** Rows entered by one statement: each call into the database costs as much as some rows. */
const ENTERED_ROWS = 32;
const ROW = "(?, ?, ?, ?, ?, ?, 0, ?)";
const INSERT_ONE = `INSERT INTO body VALUES ${ROW}`;
const INSERT_MANY = `INSERT INTO body VALUES ${Array(ENTERED_ROWS).fill(ROW).join(", ")}`;

/** Enters messages that are not there yet. */
export function insertBodies(db: Connection, bodies: readonly NewBody[], stagedAt: number): void {
  const first = nextBodyId(db);
  const valuesOf = ({ guid, segment, offset, size }: NewBody, i: number) => [
    first + i,
    prefixOf(guid),
    Buffer.from(guid, "hex"),
    segment,
    offset,
    size,
    stagedAt,
  ];
  const rows = bodies.map(valuesOf);
  const many = rows.length - (rows.length % ENTERED_ROWS);
  for (let i = 0; i < many; i += ENTERED_ROWS) db.run(INSERT_MANY, ...rows.slice(i, i + ENTERED_ROWS).flat());
  for (const row of rows.slice(many)) db.run(INSERT_ONE, ...row);
  db.run("UPDATE sequence SET body = ?", first + bodies.length);
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

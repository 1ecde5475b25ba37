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

type Row = [id: number, guid: Buffer, segment: number, offset: number, size: number, refs: number, stagedAt: number];

const COLUMNS = "body.id, guid, segment, offset, size, refs, staged_at";
const PREFIX_DIGITS = 12;
/** GUIDs looked up by one statement. */
const LOOKED_UP = 1024;

export function findBody(db: Connection, guid: Guid): BodyRow | null {
  const rows = db.rows<Row>(`SELECT ${COLUMNS} FROM body WHERE prefix = ?`, prefixOf(guid));
  const row = rows.find((one) => one[1].toString("hex") === guid);
  return row === undefined ? null : toBody(row);
}

/** Those of `guids` that are there. */
export function findBodies(db: Connection, guids: readonly Guid[]): Map<Guid, BodyRow> {
  const found = new Map<Guid, BodyRow>();
  const sql = `SELECT ${COLUMNS} FROM json_each(?) AS wanted CROSS JOIN body ON body.prefix = wanted.value`;
  for (let i = 0; i < guids.length; i += LOOKED_UP) {
    const prefixes = JSON.stringify(guids.slice(i, i + LOOKED_UP).map(prefixOf));
    for (const row of db.rows<Row>(sql, prefixes)) found.set(row[1].toString("hex"), toBody(row));
  }
  return found;
}

/** The id that the next new message gets. */
export function nextBodyId(db: Connection): number {
  return db.row<[number]>("SELECT body FROM sequence")?.[0] ?? 1;
}

/** GUIDs of the messages entered from this id on. */
export function guidsSince(db: Connection, id: number): Set<Guid> {
  return new Set(db.rows<[Buffer]>("SELECT guid FROM body WHERE id >= ?", id).map(([guid]) => guid.toString("hex")));
}

/** Enters messages that are not there yet. */
export function insertBodies(db: Connection, bodies: readonly NewBody[], stagedAt: number): void {
  let id = nextBodyId(db);
  for (const { guid, segment, offset, size } of bodies) {
    const bytes = Buffer.from(guid, "hex");
    db.run(
      "INSERT INTO body VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
      id,
      prefixOf(guid),
      bytes,
      segment,
      offset,
      size,
      stagedAt,
    );
    id++;
  }
  db.run("UPDATE sequence SET body = ?", id);
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

function toBody([id, , segment, offset, size, refs, stagedAt]: Row): BodyRow {
  return { id, segment, offset, size, refs, stagedAt };
}

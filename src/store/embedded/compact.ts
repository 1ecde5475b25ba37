/**
 * Compaction: drops messages that no record names, rewrites segments that are mostly dead, sweeps what killed
 * processes left behind.
 *
 * Safe beside any writer: a message is dropped, moved, or its segment removed only by a transaction that looks again.
 * A writer whose bytes lay in a removed segment notices when it enters them and writes them again; a change that names
 * a dropped message is told `body-missing`. A kill at any moment leaves only bytes that nothing refers to.
 */

import { unlinkSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isTandemError } from "../../model/errors.ts";
import type { Guid } from "../../model/record.ts";
import { STAGED_KEPT_MS } from "../shared/staging.ts";
import type { CompactResult } from "../store.ts";
import type { BodyPlace } from "./body-table.ts";
import type { Connection } from "./connection.ts";
import { type StorePaths, spoolOwner } from "./directory.ts";
import { codeOf } from "./errors.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { HEADER_BYTES, type SegmentFiles } from "./segments.ts";

/** What compaction works on. */
export interface CompactHost {
  /** Synced at each commit: a file is removed only when nothing can refer to it any more, also after a power cut. */
  readonly db: Connection;
  /** Not synced: extents are reserved on it. */
  readonly staging: Connection;
  readonly paths: StorePaths;
  readonly segments: SegmentFiles;
  readonly now: () => number;
}

interface Moved extends BodyPlace {
  readonly id: number;
  readonly guid: Guid;
}

/** Rows and bytes handled by one transaction, so that others get their turn. */
const ROWS_AT_A_TIME = 4096;
const BYTES_AT_A_TIME = 4 * 1024 * 1024;
/** A file of a dead process is removed only if it is this old: its process may be one that we cannot see. */
const LEFTOVER_MS = 60 * 60 * 1000;

/** See `MailboxStore.compact`. */
export async function compact(host: CompactHost): Promise<CompactResult> {
  const bodiesDropped = dropUnused(host);
  // Extents of its own: what is reserved for staging lies in the segments that are about to be rewritten.
  const writer = new SegmentWriter(host.staging, host.segments);
  let bytesFreed = 0;
  try {
    for (const [segment] of host.db.rows<[number]>("SELECT id FROM segment ORDER BY id"))
      bytesFreed += await rewriteIfMostlyDead(host, writer, segment);
  } finally {
    await writer.close();
  }
  bytesFreed += await sweepSegments(host);
  await sweepSpool(host);
  return { bodiesDropped, bytesFreed };
}

function dropUnused({ db, now }: CompactHost): number {
  const kept = now() - STAGED_KEPT_MS;
  const unused = db.rows<[number]>("SELECT id FROM body WHERE refs = 0 AND staged_at <= ?", kept).map(([id]) => id);
  let dropped = 0;
  for (let i = 0; i < unused.length; i += ROWS_AT_A_TIME)
    db.write(() => {
      for (const id of unused.slice(i, i + ROWS_AT_A_TIME))
        dropped += db.run("DELETE FROM body WHERE id = ? AND refs = 0 AND staged_at <= ?", id, kept);
    });
  return dropped;
}

/** Returns the bytes freed. */
async function rewriteIfMostlyDead(host: CompactHost, writer: SegmentWriter, segment: number): Promise<number> {
  const { db, segments } = host;
  const size = await segments.size(segment);
  const live = db.row<[number]>("SELECT coalesce(sum(size + ?), 0) FROM body WHERE segment = ?", HEADER_BYTES, segment);
  const liveBytes = live?.[0] ?? 0;
  if (2 * liveBytes >= size) return 0;
  db.run("UPDATE segment SET sealed = 1 WHERE id = ?", segment);
  for (const group of inGroupsOfBytes(bodiesOf(db, segment))) if (!(await move(host, writer, group))) return 0;
  return removeIfEmpty(host, segment) ? size - liveBytes : 0;
}

function bodiesOf(db: Connection, segment: number): Moved[] {
  type Row = [number, Buffer, number, number];
  const rows = db.rows<Row>("SELECT id, guid, offset, size FROM body WHERE segment = ? ORDER BY offset", segment);
  return rows.map(([id, guid, offset, size]) => ({ id, guid: guid.toString("hex"), segment, offset, size }));
}

/** Copies messages to where new ones go; false if one cannot be read: then their segment stays as it is. */
async function move({ db, segments }: CompactHost, writer: SegmentWriter, group: readonly Moved[]): Promise<boolean> {
  const copies = group.map((body) => ({ guid: body.guid, bytes: readOrNull(segments, body) }));
  const readable = copies.filter((copy): copy is { guid: Guid; bytes: Uint8Array } => copy.bytes !== null);
  if (readable.length < group.length) return false;
  const places = await writer.write(readable);
  return db.write(() => {
    for (const segment of new Set(places.map((place) => place.segment)))
      if (db.row("SELECT 1 FROM segment WHERE id = ?", segment) === undefined) return false;
    for (const [i, { segment, offset }] of places.entries()) {
      const { id, segment: from } = group[i] as Moved;
      db.run("UPDATE body SET segment = ?, offset = ? WHERE id = ? AND segment = ?", segment, offset, id, from);
    }
    return true;
  });
}

function readOrNull(segments: SegmentFiles, body: Moved): Uint8Array | null {
  try {
    return segments.read(body.guid, body, 0, body.size);
  } catch (error) {
    if (isTandemError(error, "body-unreadable")) return null;
    throw error;
  }
}

function* inGroupsOfBytes(bodies: readonly Moved[]): Generator<Moved[]> {
  let group: Moved[] = [];
  let bytes = 0;
  for (const body of bodies) {
    group.push(body);
    bytes += body.size;
    if (bytes < BYTES_AT_A_TIME && group.length < ROWS_AT_A_TIME) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}

/**
 * Removes a sealed segment, unless somebody who still had an extent in it has entered a message meanwhile. The whole
 * table is looked through: another `compact` may have moved old messages here.
 */
function removeIfEmpty({ db, segments }: CompactHost, segment: number): boolean {
  const removed = db.write(() => {
    if (db.row("SELECT 1 FROM body WHERE segment = ? LIMIT 1", segment) !== undefined) return false;
    return db.run("DELETE FROM segment WHERE id = ?", segment) > 0;
  });
  if (!removed) return false;
  segments.forget(segment);
  unlinkIfThere(segments.path(segment));
  return true;
}

/** Removes files of segments that are not in the table; under the writer's lock, so that none appears meanwhile. */
async function sweepSegments({ db, segments }: CompactHost): Promise<number> {
  let freed = 0;
  for (const segment of await segments.list()) {
    const size = await segments.size(segment);
    db.write(() => {
      if (db.row("SELECT 1 FROM segment WHERE id = ?", segment) !== undefined) return;
      unlinkIfThere(segments.path(segment));
      freed += size;
    });
  }
  return freed;
}

async function sweepSpool({ paths, now }: CompactHost): Promise<void> {
  for (const name of await readdir(paths.spool)) {
    const owner = spoolOwner(name);
    const path = join(paths.spool, name);
    if (owner !== null && !isRunning(owner) && (await ageOf(path, now())) >= LEFTOVER_MS)
      await rm(path, { force: true });
  }
}

async function ageOf(path: string, now: number): Promise<number> {
  try {
    return now - (await stat(path)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return 0;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

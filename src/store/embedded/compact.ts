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
import type { Guid } from "../../model/record.ts";
import { STAGED_KEPT_MS } from "../shared/staging.ts";
import type { CompactResult } from "../store.ts";
import { type BodyTable, takeOut } from "./body-table.ts";
import type { Connection } from "./connection.ts";
import { type StorePaths, spoolOwner } from "./directory.ts";
import { codeOf } from "./errors.ts";
import { sealSegment } from "./extents.ts";
import { allPacks, type NewBody, type Pack, packOf, packsInSegment } from "./packs.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { HEADER_BYTES, type SegmentFiles } from "./segments.ts";

/** What compaction works on. */
export interface CompactHost {
  /** Commits here are synced: a file is removed only when nothing can refer to it any more, also after a power cut. */
  readonly bodies: BodyTable;
  readonly paths: StorePaths;
  readonly segments: SegmentFiles;
  readonly now: () => number;
}

/** A message to be moved: the pack it was found in, and which one of it. */
interface Moved {
  readonly pack: Pack;
  readonly at: number;
}

/** Messages, packs and bytes handled by one transaction, so that others get their turn. */
const BODIES_AT_A_TIME = 4096;
const PACKS_AT_A_TIME = 64;
const BYTES_AT_A_TIME = 4 * 1024 * 1024;
/** A file of a dead process is removed only if it is this old: its process may be one that we cannot see. */
const LEFTOVER_MS = 60 * 60 * 1000;

/** See `MailboxStore.compact`. */
export async function compact(host: CompactHost): Promise<CompactResult> {
  const bodiesDropped = dropUnused(host);
  // Extents of its own: what is reserved for staging lies in the segments that are about to be rewritten.
  const writer = new SegmentWriter(host.bodies.db, host.segments);
  let bytesFreed = 0;
  try {
    for (const [segment] of host.bodies.db.rows<[number]>("SELECT id FROM segment ORDER BY id"))
      bytesFreed += await rewriteIfMostlyDead(host, writer, segment);
  } finally {
    await writer.close();
  }
  bytesFreed += await sweepSegments(host);
  await sweepSpool(host);
  return { bodiesDropped, bytesFreed };
}

function dropUnused({ bodies: { db }, now }: CompactHost): number {
  const kept = now() - STAGED_KEPT_MS;
  const ids: number[] = [];
  for (const pack of allPacks(db, 0)) if (unusedIn(pack, kept).length > 0) ids.push(pack.id);
  let dropped = 0;
  for (let i = 0; i < ids.length; i += PACKS_AT_A_TIME) dropped += dropOf(db, ids.slice(i, i + PACKS_AT_A_TIME), kept);
  return dropped;
}

function unusedIn(pack: Pack, kept: number): number[] {
  if (!pack.isSound) return [];
  const isOver = pack.stagedAt <= kept;
  return pack.indexes().filter((at) => pack.references(at) === 0 && (isOver || pack.isReleased(at)));
}

/** Drops what is still unused of some packs, in one transaction. */
function dropOf(db: Connection, ids: readonly number[], kept: number): number {
  return db.write(() => {
    let dropped = 0;
    for (const id of ids) {
      const pack = packOf(db, id);
      if (pack === null) continue;
      const unused = unusedIn(pack, kept);
      if (unused.length === 0) continue;
      takeOut(db, pack, unused);
      dropped += unused.length;
    }
    return dropped;
  });
}

/** Returns the bytes freed. */
async function rewriteIfMostlyDead(host: CompactHost, writer: SegmentWriter, segment: number): Promise<number> {
  const { bodies, segments } = host;
  const size = await segments.size(segment);
  const liveBytes = liveBytesIn(bodies.db, segment);
  if (2 * liveBytes >= size) return 0;
  bodies.db.write(() => sealSegment(bodies.db, segment));
  for (const group of inGroups(packsIn(bodies.db, segment))) if (!(await move(host, writer, group))) return 0;
  return removeIfEmpty(host, segment) ? size - liveBytes : 0;
}

function* packsIn(db: Connection, segment: number): Generator<Pack> {
  for (const id of packsInSegment(db, segment)) {
    const pack = packOf(db, id);
    if (pack !== null) yield pack;
  }
}

function liveBytesIn(db: Connection, segment: number): number {
  let bytes = 0;
  for (const pack of packsIn(db, segment)) for (const at of pack.indexes()) bytes += HEADER_BYTES + pack.size(at);
  return bytes;
}

/** Copies messages to where new ones go; false if one cannot be read: then their segment stays as it is. */
async function move(
  { bodies, segments }: CompactHost,
  writer: SegmentWriter,
  group: readonly Moved[],
): Promise<boolean> {
  const copies = group.map(({ pack, at }) => ({
    guid: pack.guid(at),
    bytes: segments.readOrNull(pack.guid(at), pack.place(at), 0, pack.size(at)),
  }));
  const readable = copies.filter((copy): copy is { guid: Guid; bytes: Uint8Array } => copy.bytes !== null);
  if (readable.length < group.length) return false;
  const places = await writer.write(readable);
  return bodies.db.write(() => {
    for (const segment of new Set(places.map((place) => place.segment)))
      if (bodies.db.row("SELECT 1 FROM segment WHERE id = ?", segment) === undefined) return false;
    enterMoved(bodies, group, places);
    return true;
  });
}

/** Enters the copies of those messages that are still where they were, with their references as they are now. */
function enterMoved(bodies: BodyTable, group: readonly Moved[], places: readonly NewBody[]): void {
  const entered: NewBody[] = [];
  const indexes = new Map<Pack, number[]>();
  const packs = new Map<number, Pack | null>();
  for (const [i, { pack: old, at }] of group.entries()) {
    const pack = packs.get(old.id) ?? packOf(bodies.db, old.id);
    packs.set(old.id, pack);
    if (pack === null || !pack.isHere(at)) continue;
    entered.push({ ...(places[i] as NewBody), refs: pack.mark(at) });
    indexes.set(pack, [...(indexes.get(pack) ?? []), at]);
  }
  const stagedAt = Math.max(...[...indexes.keys()].map((pack) => pack.stagedAt));
  for (const [pack, all] of indexes) takeOut(bodies.db, pack, all);
  bodies.insert(entered, stagedAt);
}

function* inGroups(packs: Iterable<Pack>): Generator<Moved[]> {
  let group: Moved[] = [];
  let bytes = 0;
  for (const pack of packs) {
    for (const at of pack.indexes()) {
      group.push({ pack, at });
      bytes += pack.size(at);
      if (bytes < BYTES_AT_A_TIME && group.length < BODIES_AT_A_TIME) continue;
      yield group;
      [group, bytes] = [[], 0];
    }
  }
  if (group.length > 0) yield group;
}

/**
 * Removes a sealed segment, unless somebody who still had an extent in it has entered a message meanwhile. It is
 * looked for anew: another `compact` may have moved old messages here.
 */
function removeIfEmpty({ bodies: { db }, segments }: CompactHost, segment: number): boolean {
  const removed = db.write(() => {
    if (db.row("SELECT 1 FROM pack WHERE segment = ? LIMIT 1", segment) !== undefined) return false;
    return db.run("DELETE FROM segment WHERE id = ?", segment) > 0;
  });
  if (!removed) return false;
  segments.forget(segment);
  unlinkIfThere(segments.path(segment));
  return true;
}

/** Removes files of segments that are not in the table; under the writer's lock, so that none appears meanwhile. */
async function sweepSegments({ bodies: { db }, segments }: CompactHost): Promise<number> {
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

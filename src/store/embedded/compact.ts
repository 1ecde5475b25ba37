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
import type { CompactResult, CompactStep } from "../store.ts";
import { type BodyTable, takeOut } from "./body-table.ts";
import type { Connection } from "./connection.ts";
import { type StorePaths, spoolOwner } from "./directory.ts";
import { codeOf } from "./errors.ts";
import { sealSegment } from "./extents.ts";
import { whenFree } from "./group-commit.ts";
import { GUID_BYTES, type NewBody, type Pack, packOf, packsFrom, packsInSegment } from "./packs.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { HEADER_BYTES, type SegmentFiles } from "./segments.ts";

/** What compaction works on. */
export interface CompactHost {
  /** Commits here are synced: a file is removed only when nothing can refer to it any more, also after a power cut. */
  readonly bodies: BodyTable;
  readonly paths: StorePaths;
  readonly segments: SegmentFiles;
  readonly now: () => number;
  /** See `CompactOptions`. */
  readonly onStep: (step: CompactStep) => void | Promise<void>;
}

/** Tells of bytes that were read and written, and waits as long as it is told to. */
type Step = (bytes: number) => Promise<void>;

/** A message to be moved: the pack it was found in, and which one of it. */
interface Moved {
  readonly pack: Pack;
  readonly at: number;
}

/** Messages, packs and bytes handled by one transaction, so that others get their turn. */
const BODIES_AT_A_TIME = 4096;
const PACKS_AT_A_TIME = 16;
const BYTES_AT_A_TIME = 4 * 1024 * 1024;
/** What looking at one message of a pack reads: its GUID, its size, its references. */
const ENTRY_BYTES = GUID_BYTES + 4 + 4;
/** What dropping one writes: a page of the index by GUIDs. */
const DROPPED_BYTES = 4096;
/** A file of a dead process is removed only if it is this old: its process may be one that we cannot see. */
const LEFTOVER_MS = 60 * 60 * 1000;

/** See `MailboxStore.compact`. */
export async function compact(host: CompactHost): Promise<CompactResult> {
  const ids = host.bodies.db.rows<[number]>("SELECT id FROM segment ORDER BY id").map(([id]) => id);
  let done = 0;
  const step: Step = async (bytes) => host.onStep({ bytes, done, total: ids.length });
  const bodiesDropped = await dropUnused(host, step);
  // Extents of its own: what is reserved for staging lies in the segments that are about to be rewritten.
  const writer = new SegmentWriter(host.bodies.db, host.segments);
  let bytesFreed = 0;
  try {
    for (const segment of ids) {
      bytesFreed += await rewriteIfMostlyDead(host, writer, segment, step);
      done++;
      await step(0);
    }
  } finally {
    await writer.close();
  }
  bytesFreed += await sweepSegments(host);
  await sweepSpool(host);
  return { bodiesDropped, bytesFreed };
}

/** In a transaction, without holding up this process while another one writes. */
async function write<T>(db: Connection, action: () => T): Promise<T> {
  const { value } = await whenFree(
    () => db.tryWrite(action),
    () => ({ value: db.write(action) }),
  );
  return value;
}

async function dropUnused({ bodies: { db }, now }: CompactHost, step: Step): Promise<number> {
  const kept = now() - STAGED_KEPT_MS;
  let dropped = 0;
  for (let id = 0; ; ) {
    const packs = packsFrom(db, id, PACKS_AT_A_TIME);
    const last = packs.at(-1);
    if (last === undefined) return dropped;
    id = last.id + 1;
    const ids = packs.filter((pack) => unusedIn(pack, kept).length > 0).map((pack) => pack.id);
    const count = ids.length === 0 ? 0 : await write(db, () => dropOf(db, ids, kept));
    dropped += count;
    await step(packs.reduce((bytes, pack) => bytes + entriesIn(pack), DROPPED_BYTES * count));
  }
}

/** Bytes of what the index says of the messages in a pack. */
function entriesIn({ count }: Pack): number {
  return ENTRY_BYTES * count;
}

function unusedIn(pack: Pack, kept: number): number[] {
  if (!pack.isSound) return [];
  const isOver = pack.stagedAt <= kept;
  return pack.indexes().filter((at) => pack.references(at) === 0 && (isOver || pack.isReleased(at)));
}

/** Drops what is still unused of some packs, in a transaction. */
function dropOf(db: Connection, ids: readonly number[], kept: number): number {
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
}

/** Returns the bytes freed. */
async function rewriteIfMostlyDead(
  host: CompactHost,
  writer: SegmentWriter,
  segment: number,
  step: Step,
): Promise<number> {
  const { db } = host.bodies;
  const size = await host.segments.size(segment);
  const { liveBytes, entryBytes } = contentsOf(db, segment);
  await step(entryBytes);
  if (2 * liveBytes >= size) return 0;
  await write(db, () => sealSegment(db, segment));
  for (const group of inGroups(packsIn(db, segment))) {
    if (!(await move(host, writer, group))) return 0;
    await step(2 * group.reduce((bytes, { pack, at }) => bytes + pack.size(at), 0));
  }
  return (await removeIfEmpty(host, segment)) ? size - liveBytes : 0;
}

function* packsIn(db: Connection, segment: number): Generator<Pack> {
  for (const id of packsInSegment(db, segment)) {
    const pack = packOf(db, id);
    if (pack !== null) yield pack;
  }
}

function contentsOf(db: Connection, segment: number): { liveBytes: number; entryBytes: number } {
  let [liveBytes, entryBytes] = [0, 0];
  for (const pack of packsIn(db, segment)) {
    entryBytes += entriesIn(pack);
    for (const at of pack.indexes()) liveBytes += HEADER_BYTES + pack.size(at);
  }
  return { liveBytes, entryBytes };
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
  return write(bodies.db, () => {
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
async function removeIfEmpty({ bodies: { db }, segments }: CompactHost, segment: number): Promise<boolean> {
  const removed = await write(db, () => {
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
  const isEntered = (segment: number) => db.row("SELECT 1 FROM segment WHERE id = ?", segment) !== undefined;
  for (const segment of (await segments.list()).filter((one) => !isEntered(one))) {
    const size = await segments.size(segment);
    const isGone = await write(db, () => {
      if (isEntered(segment)) return false;
      unlinkIfThere(segments.path(segment));
      return true;
    });
    if (isGone) freed += size;
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

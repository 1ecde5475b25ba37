/**
 * Packs: messages that were written one behind the other in one go, as one row with their GUIDs, sizes and references.
 *
 * A row and an index entry for each message would cost several times as much as hashing and writing it.
 */
import type { Guid } from "../../model/record.ts";
import type { Connection } from "./connection.ts";
import { bytesSum } from "./row-sums.ts";
import { type BodyPlace, HEADER_BYTES } from "./segments.ts";

/** A message to be entered. */
export interface NewBody extends BodyPlace {
  readonly guid: Guid;
  /** What its pack says of its references; only staged, if it is not given. */
  readonly refs?: number;
}

export const GUID_BYTES = 32;
/** Most messages in one pack: bounds what is read to find one of them, and written to count its references. */
const PACK_BODIES = 128;
/** In place of a number of references: 0 because every record that named it is gone; 0 is only staged so far. */
const RELEASED = 0xffff_ffff;
/** In place of a number of references: the message is not in this pack any more. */
const GONE = 0xffff_fffe;

type PackRow = [id: number, segment: number, offset: number, stagedAt: number, Buffer, Buffer, Buffer, sum: number];

const PACK = `SELECT pack.id, segment, offset, staged_at, guids, sizes, refs, sum FROM pack JOIN pack_refs USING (id)`;

/** From here on nobody knows in how many records a message is live, only that it may be in some. */
export const PINNED = 0xff00_0000;

/** One row. Messages have the ids `id`, `id + 1` and so on. */
export class Pack {
  readonly id: number;
  readonly segment: number;
  readonly count: number;
  /** When it was last staged, in milliseconds since 1970. */
  readonly stagedAt: number;
  readonly #offset: number;
  readonly #guids: Buffer;
  readonly #sizes: Buffer;
  readonly #refs: Buffer;
  #digits: string | null = null;
  #isLookedAt = false;
  #offsets: Float64Array | null = null;
  #isSound: boolean;

  constructor([id, segment, offset, stagedAt, guids, sizes, refs, sum]: PackRow) {
    this.id = id;
    this.segment = segment;
    this.count = guids.length / GUID_BYTES;
    this.stagedAt = stagedAt;
    this.#offset = offset;
    this.#guids = guids;
    this.#sizes = sizes;
    this.#refs = refs;
    this.#isSound = sum === bytesSum(id, refs);
  }

  /** False if its references do not fit their checksum: then none of its messages may be dropped. */
  get isSound(): boolean {
    return this.#isSound;
  }

  get refs(): Buffer {
    if (!this.#isSound) this.#pinAll();
    return this.#refs;
  }

  guid(at: number): Guid {
    return this.#hex().slice(2 * GUID_BYTES * at, 2 * GUID_BYTES * (at + 1));
  }

  /** The first 32 bits of a GUID. */
  prefix(at: number): number {
    return this.#guids.readUInt32BE(GUID_BYTES * at);
  }

  /** Whether the message at this index is here and has this GUID. */
  holds(at: number, guid: Guid): boolean {
    return at < this.count && this.#startsWith(guid, at) && this.isHere(at);
  }

  /** Whether the messages from this index on are here and have these GUIDs. */
  holdsRun(first: number, guids: readonly Guid[]): boolean {
    if (!this.#hex().startsWith(guids.join(""), 2 * GUID_BYTES * first)) return false;
    for (let at = first; at < first + guids.length; at++) if (!this.isHere(at)) return false;
    return true;
  }

  isHere(at: number): boolean {
    return this.#state(at) !== GONE;
  }

  /** In how many records the message is live. */
  references(at: number): number {
    const state = this.#state(at);
    return state === RELEASED || state === GONE ? 0 : state;
  }

  /** Whether records named the message, and all of them are gone. */
  isReleased(at: number): boolean {
    return this.#state(at) === RELEASED;
  }

  size(at: number): number {
    return this.#sizes.readUInt32BE(4 * at);
  }

  place(at: number): BodyPlace {
    this.#offsets ??= offsetsOf(this.#offset, this.#sizes);
    return { segment: this.segment, offset: this.#offsets[at] as number, size: this.size(at) };
  }

  /** Counts references up or down; `save` writes it. */
  addReferences(at: number, by: number): void {
    if (!this.#isSound) this.#pinAll();
    const before = this.references(at);
    const count = before >= PINNED ? before : before + by;
    this.#refs.writeUInt32BE(count <= 0 ? RELEASED : count, 4 * at);
  }

  /** What stands in place of the number of references, for a pack that the message moves to. */
  mark(at: number): number {
    if (!this.#isSound) this.#pinAll();
    return this.#state(at);
  }

  /** Takes a message out; `save` writes it. */
  remove(at: number): void {
    if (!this.#isSound) this.#pinAll();
    this.#refs.writeUInt32BE(GONE, 4 * at);
  }

  /** Indexes of the messages that are here. */
  indexes(): number[] {
    return Array.from({ length: this.count }, (_, at) => at).filter((at) => this.isHere(at));
  }

  /** Counts nothing any more, so that no message is dropped because of a count that is wrong. */
  #pinAll(): void {
    this.#isSound = true;
    for (const at of this.indexes()) this.#refs.writeUInt32BE(PINNED, 4 * at);
  }

  /** All GUIDs are converted only if more than one is looked at: messages are looked for in runs or singly. */
  #startsWith(guid: Guid, at: number): boolean {
    if (this.#isLookedAt) return this.#hex().startsWith(guid, 2 * GUID_BYTES * at);
    this.#isLookedAt = true;
    return this.#guids.toString("hex", GUID_BYTES * at, GUID_BYTES * (at + 1)) === guid;
  }

  #state(at: number): number {
    return this.#refs.readUInt32BE(4 * at);
  }

  #hex(): string {
    this.#digits ??= this.#guids.toString("hex");
    return this.#digits;
  }
}

function offsetsOf(first: number, sizes: Buffer): Float64Array {
  const offsets = new Float64Array(sizes.length / 4);
  let next = first;
  for (let at = 0; at < offsets.length; at++) {
    offsets[at] = next;
    next += HEADER_BYTES + sizes.readUInt32BE(4 * at);
  }
  return offsets;
}

/** The pack that a message of this id is in, if there still is one. */
export function packOf(db: Connection, id: number): Pack | null {
  const row = db.row<PackRow>(`${PACK} WHERE pack.id <= ? ORDER BY pack.id DESC LIMIT 1`, id);
  const pack = row === undefined ? null : new Pack(row);
  return pack !== null && id < pack.id + pack.count ? pack : null;
}

/** Some packs in the order of their ids, from this id on. */
export function packsFrom(db: Connection, id: number, most: number): Pack[] {
  return db.rows<PackRow>(`${PACK} WHERE pack.id >= ? ORDER BY pack.id LIMIT ?`, id, most).map((row) => new Pack(row));
}

/** All packs from this id on, read some at a time. */
export function* allPacks(db: Connection, id: number, some = 64): Generator<Pack> {
  for (let packs = packsFrom(db, id, some); packs.length > 0; ) {
    yield* packs;
    packs = packsFrom(db, (packs.at(-1) as Pack).id + 1, some);
  }
}

/** How many packs have references that do not fit their checksum. */
export function unsoundPacks(db: Connection): number {
  let count = 0;
  for (const pack of allPacks(db, 0)) if (!pack.isSound) count++;
  const [packs = 0, refs = 0] =
    db.row<[number, number]>("SELECT (SELECT count(*) FROM pack), (SELECT count(*) FROM pack_refs)") ?? [];
  return count + Math.abs(packs - refs);
}

/** The ids of the packs whose messages lie in a segment, in the order in which they were entered. */
export function packsInSegment(db: Connection, segment: number): number[] {
  return db.rows<[number]>("SELECT id FROM pack WHERE segment = ? ORDER BY id", segment).map(([id]) => id);
}

/** Writes what was changed of a pack's references; a pack without a message is removed. */
export function savePack(db: Connection, pack: Pack): void {
  if (pack.indexes().length > 0)
    db.run("UPDATE pack_refs SET sum = ?, refs = ? WHERE id = ?", bytesSum(pack.id, pack.refs), pack.refs, pack.id);
  else {
    db.run("DELETE FROM pack WHERE id = ?", pack.id);
    db.run("DELETE FROM pack_refs WHERE id = ?", pack.id);
  }
}

/** Enters messages as packs, the first under the id `first`. */
export function insertPacks(db: Connection, bodies: readonly NewBody[], first: number, stagedAt: number): void {
  let id = first;
  for (const group of neighbours(bodies)) {
    const [{ segment, offset }] = group;
    const guids = Buffer.from(group.map(({ guid }) => guid).join(""), "hex");
    const sizes = numbers(group.map(({ size }) => size));
    db.run("INSERT INTO pack VALUES (?, ?, ?, ?, ?, ?)", id, segment, offset, stagedAt, sizes, guids);
    const refs = numbers(group.map((body) => body.refs ?? 0));
    db.run("INSERT INTO pack_refs VALUES (?, ?, ?)", id, bytesSum(id, refs), refs);
    id += group.length;
  }
}

/** Messages that lie one behind the other. */
function* neighbours(bodies: readonly NewBody[]): Generator<[NewBody, ...NewBody[]]> {
  let group: NewBody[] = [];
  for (const body of bodies) {
    const last = group.at(-1);
    if (last !== undefined && (group.length >= PACK_BODIES || !isBehind(last, body))) {
      yield group as [NewBody, ...NewBody[]];
      group = [];
    }
    group.push(body);
  }
  if (group.length > 0) yield group as [NewBody, ...NewBody[]];
}

function isBehind(last: BodyPlace, next: BodyPlace): boolean {
  return last.segment === next.segment && last.offset + HEADER_BYTES + last.size === next.offset;
}

function numbers(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  for (let i = 0; i < values.length; i++) bytes.writeUInt32BE(values[i] as number, 4 * i);
  return bytes;
}

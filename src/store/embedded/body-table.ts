/**
 * The table of messages: where the bytes of each lie, and in how many live records it is named.
 */
import type { Guid } from "../../model/record.ts";
import type { Connection } from "./connection.ts";
import { type GuidCache, GuidIndex, indexYoung, sequenceOf, unindex, writeSequence } from "./guid-index.ts";
import { allPacks, insertPacks, type NewBody, type Pack, PINNED, packOf, savePack } from "./packs.ts";

/** A message that is here: the pack it is in, and which one of it. */
export interface StoredBody {
  readonly pack: Pack;
  readonly at: number;
}

/** Packs kept during one search: enough for messages that were staged in a few runs. */
const KEPT_PACKS = 64;
/** Of the last messages that were entered, how many are looked through for those that no record names. */
const LOOKED_THROUGH = 4096;

export class BodyTable {
  readonly db: Connection;
  readonly #cache: GuidCache;

  constructor(db: Connection, cache: GuidCache) {
    this.db = db;
    this.#cache = cache;
  }

  /** Each message, null if it is not here. Must not be called in a transaction that has entered messages. */
  find(guids: readonly Guid[]): (StoredBody | null)[] {
    return this.db.read(() => {
      const search = new Search(this.db, new GuidIndex(this.db, this.#cache, sequenceOf(this.db)));
      const found: (StoredBody | null)[] = [];
      while (found.length < guids.length)
        if (!search.run(guids, found)) found.push(search.next(guids[found.length] as Guid));
      return found;
    });
  }

  /** Indexes of those that are not here; as `find`. */
  missing(guids: readonly Guid[]): number[] {
    const found = this.find(guids);
    const missing: number[] = [];
    for (let i = 0; i < found.length; i++) if (found[i] === null) missing.push(i);
    return missing;
  }

  /** The id that the next new message gets. */
  nextId(): number {
    return sequenceOf(this.db).next;
  }

  /** GUIDs of the messages entered from this id on. */
  guidsSince(id: number): Set<Guid> {
    const guids = new Set<Guid>();
    for (const pack of allPacks(this.db, id)) for (const at of pack.indexes()) guids.add(pack.guid(at));
    return guids;
  }

  /** GUIDs of those of the last messages entered that no record names. */
  unnamed(): Guid[] {
    const guids: Guid[] = [];
    for (const pack of allPacks(this.db, this.nextId() - LOOKED_THROUGH))
      for (const at of pack.indexes()) if (pack.references(at) === 0) guids.push(pack.guid(at));
    return guids;
  }

  /** Enters messages that are not there yet; in a transaction. */
  insert(bodies: readonly NewBody[], stagedAt: number): void {
    const sequence = sequenceOf(this.db);
    const next = sequence.next + bodies.length;
    insertPacks(this.db, bodies, sequence.next, stagedAt);
    writeSequence(this.db, { next, indexed: sequence.indexed });
    indexYoung(this.db);
  }

  /**
   * Enters messages in the place of damaged ones, with the references these have; in a transaction, before anything else is
   * entered in it. One that is not found was named by records all the same, nobody knows by how many.
   */
  replace(bodies: readonly NewBody[], stagedAt: number): void {
    const found = this.find(bodies.map(({ guid }) => guid));
    const entered = bodies.map((body, i): NewBody => {
      const old = found[i] ?? null;
      const pack = old === null ? null : packOf(this.db, old.pack.id);
      if (old === null || pack === null) return { ...body, refs: PINNED };
      const refs = pack.mark(old.at);
      takeOut(this.db, pack, [old.at]);
      return { ...body, refs };
    });
    this.insert(entered, stagedAt);
  }

  /** Enters messages anew, where they are, if no record names them: as if they had just been staged. */
  touch(bodies: readonly StoredBody[], stagedAt: number): void {
    this.db.writeUnsynced(() => {
      const entered: NewBody[] = [];
      for (const { pack: seen, at } of bodies) {
        const pack = packOf(this.db, seen.id);
        if (pack === null || !pack.isHere(at) || pack.references(at) > 0) continue;
        entered.push({ ...pack.place(at), guid: pack.guid(at) });
        takeOut(this.db, pack, [at]);
      }
      this.insert(entered, stagedAt);
    });
  }
}

/** Takes messages out of a pack, in a transaction. */
export function takeOut(db: Connection, pack: Pack, indexes: readonly number[]): void {
  for (const at of indexes) {
    unindex(db, pack, at);
    pack.remove(at);
  }
  savePack(db, pack);
}

/** Finds messages one after the other: each is looked for behind the last one first, where it is as a rule. */
class Search {
  readonly #db: Connection;
  readonly #index: GuidIndex;
  readonly #packs = new Map<number, Pack>();
  #last: StoredBody | null = null;
  /** Whether the last one was behind the one before it. */
  #isInOrder = false;
  /** Whether the last pack's end led to the next pack: where messages came one by one, it leads to it always or never. */
  #crosses = true;

  constructor(db: Connection, index: GuidIndex) {
    this.#db = db;
    this.#index = index;
  }

  next(guid: Guid): StoredBody | null {
    const behind = this.#behindLast(guid);
    this.#isInOrder = behind !== null;
    const before = this.#last?.pack;
    this.#last = behind ?? this.#byIndex(guid);
    if (before !== undefined && this.#last?.pack.id === before.id + before.count) this.#crosses = true;
    return this.#last;
  }

  /**
   * Adds to `found` all those that lie behind the last one in its pack, if the next ones in `guids` are these: compared at
   * once, which costs a fraction of looking at each.
   */
  run(guids: readonly Guid[], found: (StoredBody | null)[]): boolean {
    if (this.#last === null || !this.#isInOrder) return false;
    const { pack, at: before } = this.#last;
    const start = found.length;
    const count = Math.min(pack.count - before - 1, guids.length - start);
    // Tried once for each pack.
    this.#isInOrder = false;
    if (count < 2 || !pack.holdsRun(before + 1, guids.slice(start, start + count))) return false;
    for (let at = before + 1; at <= before + count; at++) found.push({ pack, at });
    this.#last = { pack, at: before + count };
    return true;
  }

  #behindLast(guid: Guid): StoredBody | null {
    if (this.#last === null) return null;
    const { pack, at } = this.#last;
    if (at + 1 < pack.count) return pack.holds(at + 1, guid) ? { pack, at: at + 1 } : null;
    if (!this.#crosses) return null;
    const behind = this.#pack(pack.id + pack.count);
    this.#crosses = behind?.holds(0, guid) === true;
    return this.#crosses && behind !== null ? { pack: behind, at: 0 } : null;
  }

  #byIndex(guid: Guid): StoredBody | null {
    for (const id of this.#index.ids(guid)) {
      const pack = this.#pack(id);
      if (pack?.holds(id - pack.id, guid)) return { pack, at: id - pack.id };
    }
    return null;
  }

  #pack(id: number): Pack | null {
    for (const pack of this.#packs.values()) if (id >= pack.id && id < pack.id + pack.count) return pack;
    const pack = packOf(this.#db, id);
    if (this.#packs.size >= KEPT_PACKS) this.#packs.clear();
    if (pack !== null) this.#packs.set(pack.id, pack);
    return pack;
  }
}

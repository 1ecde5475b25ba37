/**
 * Finds the ids of messages by their GUIDs: the older ones in an index, the youngest in memory.
 *
 * GUIDs come in random order, so entering some of them touches every page of an index. They are entered many thousands
 * at a time; until then a process keeps those that are not entered in memory, read from their packs.
 */
import { prefixOf } from "../../model/guid-prefix.ts";
import type { Guid } from "../../model/record.ts";
import type { Connection } from "./connection.ts";
import { allPacks, type Pack } from "./packs.ts";
import { PrefixTable } from "./prefix-table.ts";
import { damaged, rowSum } from "./row-sums.ts";

/** Messages entered in the index at once: a process reads as many at most when it first looks for one. */
export const YOUNG_BODIES = 65_536;
/** A prefix and a number below this fit into one double, and so are sorted by the fastest sort there is. */
const POSITIONS = 2 ** 20;
/** Rows entered by one statement: each call into the database costs as much as some rows. */
const ENTERED_ROWS = 32;

/** Prefixes remembered as absent: those of some frames of records. */
const MOST_ABSENT = 16_384;

/** The next id of a message, and the first that is not in the index. */
export interface Sequence {
  readonly next: number;
  readonly indexed: number;
}

export function sequenceOf(db: Connection): Sequence {
  const [next, indexed, sum] = db.row<[number, number, number]>("SELECT body, indexed, sum FROM sequence") ?? [
    0, 0, -1,
  ];
  if (sum !== rowSum(next, indexed)) throw damaged("The number of the next message");
  return { next, indexed };
}

export function writeSequence(db: Connection, { next, indexed }: Sequence): void {
  db.run("UPDATE sequence SET body = ?, indexed = ?, sum = ?", next, indexed, rowSum(next, indexed));
}

/** The messages that are not in the index, as far as this process has read them; for all connections to one store. */
export class YoungGuids {
  #from = 1;
  #next = 1;
  #ids = new PrefixTable(1);

  /**
   * Reads what is new. Must not be called in a transaction that has entered messages: were it undone, what was read
   * would be wrong.
   */
  refresh(db: Connection, { next, indexed }: Sequence): void {
    if (indexed !== this.#from) this.#restart(indexed);
    if (next <= this.#next) return;
    this.#ids.reserve(next - this.#next);
    for (const pack of allPacks(db, this.#next))
      for (let at = 0; at < pack.count; at++) this.#ids.add(pack.prefix(at) | 0, pack.id + at);
    this.#next = next;
  }

  ids(prefix: number): readonly number[] {
    return this.#ids.ids(prefix);
  }

  #restart(from: number): void {
    this.#from = from;
    this.#next = from;
    this.#ids = new PrefixTable(from);
  }
}

/**
 * Prefixes that are not in the index: a peer that is told what is lacking sends it next, and it need not be looked for
 * there again. That holds until more is entered in the index.
 */
export class AbsentPrefixes {
  readonly #prefixes = new Set<number>();
  #indexed = 1;

  /** Those known to be absent in a state with this sequence; what is added to it is known from then on. */
  at({ indexed }: Sequence): Set<number> {
    if (indexed !== this.#indexed || this.#prefixes.size > MOST_ABSENT) this.#prefixes.clear();
    this.#indexed = indexed;
    return this.#prefixes;
  }
}

/** What a process remembers of the GUIDs in one store; shared by all its connections. */
export class GuidCache {
  readonly young = new YoungGuids();
  readonly absent = new AbsentPrefixes();
}

/** Looks up GUIDs in one state of a store. */
export class GuidIndex {
  readonly #db: Connection;
  readonly #young: YoungGuids;
  /** Null while nothing is in the index. */
  readonly #absent: Set<number> | null;

  /**
   * Must be made and used in one transaction, which has entered no messages: were it undone, what was read would be
   * wrong.
   */
  constructor(db: Connection, { young, absent }: GuidCache, sequence: Sequence) {
    young.refresh(db, sequence);
    this.#db = db;
    this.#young = young;
    this.#absent = sequence.indexed <= 1 ? null : absent.at(sequence);
  }

  /** Ids under which the message can be: nearly always one or none. */
  ids(guid: Guid): readonly number[] {
    const prefix = prefixOf(guid);
    const young = this.#young.ids(prefix);
    if (this.#absent === null || this.#absent.has(prefix)) return young;
    const old = this.#db.rows<[number]>("SELECT id FROM body_prefix WHERE prefix = ?", prefix >>> 0);
    if (old.length === 0) this.#absent.add(prefix);
    return old.length === 0 ? young : [...young, ...old.map(([id]) => id)];
  }
}

/** Enters the youngest messages in the index if there are enough of them. */
export function indexYoung(db: Connection): void {
  const { next, indexed } = sequenceOf(db);
  if (next - indexed < YOUNG_BODIES) return;
  const entries = new Float64Array(next - indexed);
  let count = 0;
  for (const pack of allPacks(db, indexed))
    for (const at of pack.indexes()) entries[count++] = pack.prefix(at) * POSITIONS + (pack.id + at - indexed);
  // In the order of the index, neighbours go to one page.
  insertEntries(db, entries.subarray(0, count).sort(), indexed);
  writeSequence(db, { next, indexed: next });
}

function insertEntries(db: Connection, entries: Float64Array, first: number): void {
  for (let start = 0; start < entries.length; start += ENTERED_ROWS) {
    const values: number[] = [];
    for (const entry of entries.subarray(start, start + ENTERED_ROWS))
      values.push(Math.floor(entry / POSITIONS), first + (entry % POSITIONS));
    const rows = Array(values.length / 2).fill("(?, ?)");
    db.run(`INSERT INTO body_prefix VALUES ${rows.join(", ")}`, ...values);
  }
}

/** Takes a message out of the index. */
export function unindex(db: Connection, pack: Pack, at: number): void {
  db.run("DELETE FROM body_prefix WHERE prefix = ? AND id = ?", pack.prefix(at), pack.id + at);
}

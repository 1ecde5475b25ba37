/**
 * What the scrub reads: mailbox after mailbox in a fixed order, and of each as much as it may in one go.
 */
import { decodeBatch } from "../model/decode-batch.ts";
import { isTandemError } from "../model/errors.ts";
import { compareText } from "../model/flags.ts";
import { MAX_UID } from "../model/record.ts";
import type { AccountTree, MailboxStore, UidRange } from "../store/store.ts";
import { soundRanges } from "../sync/audit.ts";
import { isReadable } from "../sync/bodies.ts";
import { checkDigest, type OnFault } from "../sync/local-faults.ts";

/** Behind this UID of this mailbox; 0 is its beginning. */
export interface Place {
  readonly account: string;
  readonly mailboxId: string;
  readonly uid: number;
}

/** What reading a slice of a mailbox came to. */
export interface Slice {
  /** Name of the mailbox. */
  readonly name: string;
  /** The last UID read; null if the mailbox is through. */
  readonly reached: number | null;
  /** What reading it counts for. */
  readonly bytes: number;
  readonly messages: number;
  readonly unreadable: readonly string[];
  /** Told with the first slice. */
  readonly damaged: readonly UidRange[];
}

/** What looking at one record counts for. */
const RECORD_BYTES = 100;
/** What finding one message counts for, besides its bytes: many small ones would cost an idle node more than a few large ones. */
const MESSAGE_BYTES = 8192;

/** Mailboxes from a place on, sorted by account and id; the first of them from its UID on. */
export async function* placesFrom(store: MailboxStore, start: Place): AsyncGenerator<Place> {
  for (const account of await store.accounts()) {
    const order = compareText(account, start.account);
    if (order < 0) continue;
    for (const { entry } of (await treeOrNone(store, account)).mailboxes) {
      const { mailboxId } = entry;
      if (entry.deleted || (order === 0 && mailboxId < start.mailboxId)) continue;
      yield { account, mailboxId, uid: order === 0 && mailboxId === start.mailboxId ? start.uid : 0 };
    }
  }
}

/** An account whose entries are damaged cannot be gone through; `check` tells of it. */
async function treeOrNone(store: MailboxStore, account: string): Promise<AccountTree> {
  try {
    return await store.tree(account);
  } catch (error) {
    if (isTandemError(error, "digest-fault")) return { modseq: 0, mailboxes: [] };
    throw error;
  }
}

/** Reads one mailbox in slices: first its sums are compared with its records, then its messages are hashed. */
export class MailboxReading {
  readonly place: Place;
  readonly #store: MailboxStore;
  readonly #onFault: OnFault;
  #uid: number;
  /** Null before the first slice. */
  #damaged: readonly UidRange[] | null = null;

  /** @param onFault told of sums that were corrected. */
  constructor(store: MailboxStore, place: Place, onFault: OnFault) {
    this.place = place;
    this.#store = store;
    this.#onFault = onFault;
    this.#uid = place.uid;
  }

  /** Hashes messages until they count for `most` bytes, at least one. @throws TandemError `not-found`. */
  async slice(most: number): Promise<Slice> {
    const { account, mailboxId } = this.place;
    const first = this.#damaged === null ? await checkDigest(this.#store, account, mailboxId, this.#onFault) : null;
    this.#damaged ??= first?.damaged ?? [];
    const snapshot = await this.#store.snapshot(account, mailboxId);
    const unreadable: string[] = [];
    let bytes = RECORD_BYTES * (1 + (first?.digest.count ?? 0));
    let messages = 0;
    const result = (reached: number | null): Slice => {
      const damaged = first?.damaged ?? [];
      return { name: snapshot.entry.name, reached, bytes, messages, unreadable, damaged };
    };
    try {
      for (const { firstUid, lastUid } of soundRanges(this.#damaged)) {
        const scan = snapshot.scan({ fromUid: Math.max(firstUid, this.#uid + 1), toUid: lastUid });
        for await (const page of scan)
          for (const record of page.flatMap((batch) => decodeBatch(batch.bytes))) {
            if (record.expunged) continue;
            if (messages > 0 && bytes >= most) return result(this.#uid);
            if (!(await isReadable(this.#store, record.guid, record.size))) unreadable.push(record.guid);
            this.#uid = record.uid;
            bytes += MESSAGE_BYTES + record.size;
            messages++;
          }
      }
      this.#uid = MAX_UID;
      return result(null);
    } finally {
      await snapshot.close();
    }
  }
}

/** What writers were told is done, line by line, and whether a store holds to it in the end. */
import type { LiveRecord } from "../../../../src/model/record.ts";
import { isLive } from "../../../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../../../src/store/store.ts";
import { recordsOf } from "../../../sync/support/node.ts";

export const ACCOUNT = "ann";

/** One message as its writer knows it. */
interface Written {
  readonly mailbox: string;
  readonly uid: number;
  readonly guid: string;
  isFlagged: boolean;
  /** `uncertain`: its writer began to expunge it, and was not told that it did. */
  fate: "kept" | "uncertain" | "expunged";
}

/** Bit of \Flagged. */
const FLAGGED = 4;

export class Ledger {
  readonly #byGuid = new Map<string, Written>();
  readonly #faults: string[] = [];

  /** Messages that were appended. */
  get size(): number {
    return this.#byGuid.size;
  }

  /** Takes all lines of one writer, from its first on. */
  take(lines: readonly string[]): void {
    const last = new Map<string, number>();
    for (const line of lines) {
      const [mark, mailbox = "", digits, guid = ""] = line.split(" ");
      if (mark === "+") {
        const uid = Number(digits);
        if (uid <= (last.get(mailbox) ?? 0)) this.#faults.push(`P3: ${mailbox} gave ${uid} after ${last.get(mailbox)}`);
        last.set(mailbox, uid);
        this.#byGuid.set(guid, { mailbox, uid, guid, isFlagged: false, fate: "kept" });
      } else this.#change(mark as "f" | "?" | "-", guid);
    }
  }

  /** Where the store does not hold to it: P1, P2, P3, P6, P7, P8. Empty if it does. */
  async faultsOf(store: MailboxStore): Promise<string[]> {
    const faults = [...this.#faults];
    const found = new Map<string, LiveRecord[]>();
    for (const { entry } of (await store.tree(ACCOUNT)).mailboxes) {
      const live = (await recordsOf(store, ACCOUNT, entry.mailboxId)).filter(isLive);
      for (const record of live) found.set(record.guid, [...(found.get(record.guid) ?? []), record]);
      faults.push(...this.#faultsOfUids(entry.name, live));
    }
    for (const [guid, records] of found)
      if (records.length > 1) faults.push(`P7: ${guid} is there ${records.length} times`);
    for (const written of this.#byGuid.values()) faults.push(...faultsOfOne(written, found.get(written.guid)?.[0]));
    return faults;
  }

  #change(mark: "f" | "?" | "-", guid: string): void {
    const written = this.#byGuid.get(guid);
    if (written === undefined) throw new Error(`The writer did not append ${guid}.`);
    if (mark === "f") written.isFlagged = true;
    else written.fate = mark === "?" ? "uncertain" : "expunged";
  }

  /** A UID that a writer was told never names another message: if both nodes gave it while cut off, none has it (P1). */
  #faultsOfUids(mailbox: string, live: readonly LiveRecord[]): string[] {
    const guidOf = new Map(live.map(({ uid, guid }) => [uid, guid]));
    return [...this.#byGuid.values()].flatMap(({ uid, guid, mailbox: own }) => {
      const now = guidOf.get(uid);
      return own !== mailbox || now === undefined || now === guid
        ? []
        : [`P1: ${mailbox} ${uid} was ${guid}, is ${now}`];
    });
  }
}

function faultsOfOne({ uid, guid, mailbox, isFlagged, fate }: Written, now: LiveRecord | undefined): string[] {
  const name = `${mailbox} ${uid} ${guid}`;
  if (now === undefined) return fate === "kept" ? [`P6: ${name} is lost`] : [];
  if (fate === "expunged") return [`P2: ${name} came back as ${now.uid}`];
  const faults: string[] = [];
  if (now.uid !== uid && !now.formerUids.includes(uid))
    faults.push(`P1: ${name} is ${now.uid}, and was not renumbered`);
  if (isFlagged && (now.systemFlags & FLAGGED) === 0) faults.push(`P8: ${name} lost its flag`);
  return faults;
}

/**
 * Brings the messages of sources into a store, each once: what a mailbox has already is told by GUID and counted, so
 * that n copies in the sources are n messages, however often they are imported.
 */
import { createHash } from "node:crypto";
import { contentChunks } from "../formats/file.ts";
import type { MessageContent, SourceItem, SourceMessage } from "../formats/source.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { isTandemError } from "../model/errors.ts";
import { compareText } from "../model/flags.ts";
import { checkedName } from "../model/mailbox.ts";
import type { Guid, IndexRecord } from "../model/record.ts";
import { appendMessages, type NewMessage } from "../operations/index.ts";
import type { MailboxStore } from "../store/store.ts";
import { stageLarge } from "./body.ts";
import type { Progress } from "./progress.ts";
import { ensureMailbox } from "./store-access.ts";

/** A batch is one `stage` and one `apply`, each with a disk sync: large enough for those not to count. */
const BATCH_MESSAGES = 1000;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Where mail is imported to. */
export interface ImportTarget {
  readonly store: MailboxStore;
  readonly account: string;
  /** For messages outside any folder; folders go below it. Undefined: INBOX, and folders under their own names. */
  readonly mailbox: string | undefined;
}

export interface ImportCounts {
  readonly mailbox: string;
  imported: number;
  alreadyThere: number;
}

/** A mailbox being filled. */
interface Filling {
  readonly counts: ImportCounts;
  /** How many messages of each GUID it had, live or expunged, that no message of the sources has matched yet. */
  readonly present: Map<Guid, number>;
}

export class Importer {
  readonly #target: ImportTarget;
  readonly #progress: Progress;
  /** Promises, so that one mailbox met twice at a time is opened once. */
  readonly #filling = new Map<string, Promise<Filling>>();
  #batch: SourceMessage[] = [];
  #batchBytes = 0;
  #batchMailbox = "";
  /** The batch being written while the next one is read. */
  #writing: Promise<void> = Promise.resolve();

  constructor(target: ImportTarget, progress: Progress) {
    this.#target = target;
    this.#progress = progress;
  }

  /** Takes one item of a source. @throws TandemError. */
  async take(item: SourceItem): Promise<void> {
    if (item.kind === "fault") return this.#progress.fault(item.sentence);
    const name = this.#mailboxFor(item);
    if (name === null) return;
    if (item.kind === "mailbox") {
      this.#progress.grow(item.expected);
      // An empty folder is a mailbox, too; a source without any message of its own is not.
      if (item.mailbox !== null) await this.#fill(name);
      return;
    }
    if (name !== this.#batchMailbox) await this.#write();
    this.#batchMailbox = name;
    this.#batch.push(item);
    this.#batchBytes += item.content.kind === "bytes" ? item.content.bytes.length : 0;
    if (this.#batch.length >= BATCH_MESSAGES || this.#batchBytes >= BATCH_BYTES) await this.#write();
  }

  /** Writes what is left and tells what was done in each mailbox, sorted by name. @throws TandemError. */
  async finish(): Promise<ImportCounts[]> {
    await this.#write();
    await this.#writing;
    const filled = await Promise.all(this.#filling.values());
    return filled.map(({ counts }) => counts).sort((a, b) => compareText(a.mailbox, b.mailbox));
  }

  /** The target mailbox, or null if there can be none of that name. */
  #mailboxFor(item: SourceItem & { readonly mailbox: string | null }): string | null {
    const { mailbox } = this.#target;
    try {
      if (item.mailbox === null) return checkedName(mailbox ?? "INBOX");
      return checkedName(mailbox === undefined ? item.mailbox : `${mailbox}/${item.mailbox}`);
    } catch (error) {
      if (item.kind === "mailbox" && isTandemError(error)) this.#progress.fault(error.message);
      return null;
    }
  }

  /** Hands the batch on once the one before it is written. */
  async #write(): Promise<void> {
    const batch = this.#batch;
    const name = this.#batchMailbox;
    this.#batch = [];
    this.#batchBytes = 0;
    await this.#writing;
    if (batch.length === 0) return;
    this.#writing = this.#writeBatch(name, batch);
    // A failure is thrown by whoever waits for it next, which may be later.
    this.#writing.catch(() => {});
  }

  async #writeBatch(name: string, batch: readonly SourceMessage[]): Promise<void> {
    const { store, account } = this.#target;
    const { counts, present } = await this.#fill(name);
    const found = await identify(store, batch, this.#progress);
    const fresh = found.filter(({ guid }) => !takeOne(present, guid));
    const messages = await stageRest(store, fresh);
    if (messages.length > 0) await appendMessages(store, account, name, messages);
    counts.imported += messages.length;
    counts.alreadyThere += found.length - fresh.length;
    this.#progress.tick(batch.length);
  }

  #fill(name: string): Promise<Filling> {
    const known = this.#filling.get(name);
    if (known !== undefined) return known;
    const filling = openFilling(this.#target, name);
    this.#filling.set(name, filling);
    return filling;
  }
}

async function openFilling({ store, account }: ImportTarget, name: string): Promise<Filling> {
  const { entry } = await ensureMailbox(store, account, name);
  const present = await countGuids(store, account, entry.mailboxId);
  return { counts: { mailbox: name, imported: 0, alreadyThere: 0 }, present };
}

/** A message of a source with its GUID. */
interface Identified {
  readonly message: SourceMessage;
  readonly guid: Guid;
}

/**
 * Finds the GUIDs of messages; one that cannot be read to its end is reported and left out. Small ones are staged by
 * that: it hashes them only once, and what the store holds already is not written again.
 */
async function identify(
  store: MailboxStore,
  batch: readonly SourceMessage[],
  progress: Progress,
): Promise<Identified[]> {
  const small = batch.flatMap(({ content }) => (content.kind === "bytes" ? [content.bytes] : []));
  const staged = (await store.stage(small)).values();
  const found: Identified[] = [];
  for (const message of batch) {
    const { content } = message;
    const guid = content.kind === "bytes" ? (staged.next().value as Guid) : await hashOf(content, progress);
    if (guid !== null) found.push({ message, guid });
  }
  return found;
}

/** Null if the message cannot be read to its end, which is reported. */
async function hashOf(content: MessageContent, progress: Progress): Promise<Guid | null> {
  const sum = createHash("sha256");
  try {
    for await (const piece of contentChunks(content)) sum.update(piece);
    return sum.digest("hex");
  } catch (error) {
    if (!isTandemError(error)) throw error;
    progress.fault(error.message);
    return null;
  }
}

/** Stages the large messages and returns all as `appendMessages` wants them, in the same order. */
async function stageRest(store: MailboxStore, fresh: readonly Identified[]): Promise<NewMessage[]> {
  const messages: NewMessage[] = [];
  for (const { message, guid } of fresh) {
    const { content, flags, internalDate } = message;
    if (content.kind === "bytes") messages.push({ guid, size: content.bytes.length, flags, internalDate });
    else {
      // The GUID is the staged bytes' own: the file may have been changed since it was hashed.
      const own = await stageLarge(store, contentChunks(content));
      messages.push({ guid: own, size: content.size, flags, internalDate });
    }
  }
  return messages;
}

/** How many messages of each GUID a mailbox holds; expunged ones count, so that an import does not bring them back. */
async function countGuids(store: MailboxStore, account: string, mailboxId: string): Promise<Map<Guid, number>> {
  const counts = new Map<Guid, number>();
  const snapshot = await store.snapshot(account, mailboxId);
  try {
    for await (const batches of snapshot.scan())
      for (const record of batches.flatMap(({ bytes }) => decodeBatch(bytes)))
        for (const guid of guidsOf(record)) counts.set(guid, (counts.get(guid) ?? 0) + 1);
  } finally {
    await snapshot.close();
  }
  return counts;
}

function guidsOf(record: IndexRecord): Guid[] {
  return record.expunged ? record.graves.map((grave) => grave.guid) : [record.guid];
}

function takeOne(present: Map<Guid, number>, guid: Guid): boolean {
  const count = present.get(guid) ?? 0;
  if (count > 0) present.set(guid, count - 1);
  return count > 0;
}

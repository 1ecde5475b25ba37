/**
 * Gets back what is damaged in a store from a side that has it: messages by their GUIDs, records by their checksums. What
 * a side gives is put in place only if it is exactly what was there.
 */
import { createHash, hash } from "node:crypto";
import { decodeBatch } from "../model/decode-batch.ts";
import type { IndexRecord } from "../model/record.ts";
import { packRecords } from "../store/shared/blocks.ts";
import type { BodyWriter, MailboxStore, UidRange } from "../store/store.ts";
import type { BodyChunk, BodySource, Peer } from "./peer.ts";

/** A side that repairs are taken from. */
export type Giver = BodySource & Pick<Peer, "pull">;

/**
 * Fetches messages anew and puts them in the place of the damaged ones.
 * @param guids messages of live records whose bytes are damaged or missing.
 * @returns those that are whole again.
 * @throws TandemError what the side answers, and `io`.
 */
export async function repairBodies(store: MailboxStore, guids: readonly string[], from: BodySource): Promise<string[]> {
  await store.setAside(guids);
  const wanted = new Set(guids);
  const repaired: string[] = [];
  const part = new PartIntake(store);
  try {
    for await (const chunk of from.fetch(guids)) {
      const staged = chunk.kind === "part" ? await part.add(chunk) : await stageWhole(store, chunk);
      repaired.push(...staged.filter((guid) => wanted.has(guid)));
    }
  } finally {
    await part.abort();
  }
  return repaired;
}

/** Stages those whose bytes fit the GUID they were asked for by. */
async function stageWhole(store: MailboxStore, chunk: BodyChunk): Promise<string[]> {
  if (chunk.kind !== "whole") return [];
  const sound = chunk.bodies.filter(({ guid, bytes }) => hash("sha256", bytes, "hex") === guid);
  return store.stage(
    sound.map(({ bytes }) => bytes),
    sound.map(({ guid }) => guid),
  );
}

/** Takes in large messages, one after the other, in parts in order. */
class PartIntake {
  readonly #store: MailboxStore;
  #writer: BodyWriter | null = null;
  #hash = createHash("sha256");
  #written = 0;

  constructor(store: MailboxStore) {
    this.#store = store;
  }

  /** The message's GUID if it is complete with this part, and fits it. */
  async add({ guid, size, offset, bytes }: Extract<BodyChunk, { kind: "part" }>): Promise<string[]> {
    if (offset === 0) await this.#begin();
    if (this.#writer === null || offset !== this.#written) return [];
    await this.#writer.write(bytes);
    this.#hash.update(bytes);
    this.#written += bytes.length;
    if (this.#written < size) return [];
    if (this.#hash.digest("hex") !== guid) {
      await this.abort();
      return [];
    }
    const writer = this.#writer;
    this.#writer = null;
    return [await writer.finish()];
  }

  async abort(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    await writer?.abort();
  }

  async #begin(): Promise<void> {
    await this.abort();
    this.#writer = await this.#store.stageLarge();
    this.#hash = createHash("sha256");
    this.#written = 0;
  }
}

/**
 * Puts records back that a side still has as they were here.
 * @param damaged where they are lacking, one block in each.
 * @returns how many of the blocks are whole again.
 * @throws TandemError what the side answers, `not-found` if it does not have the mailbox.
 */
export async function repairRecords(
  store: MailboxStore,
  account: string,
  mailboxId: string,
  damaged: readonly UidRange[],
  from: Pick<Peer, "pull">,
): Promise<number> {
  const pull = await from.pull(account, mailboxId, null);
  try {
    const records: IndexRecord[] = [];
    for await (const page of pull.pages())
      for (const batch of page) {
        const isWanted = damaged.some(
          ({ firstUid, lastUid }) => batch.firstUid <= lastUid && batch.lastUid >= firstUid,
        );
        if (isWanted) records.push(...decodeBatch(batch.bytes).filter(({ uid }) => isIn(damaged, uid)));
      }
    return await store.restoreRecords(account, mailboxId, packRecords(records));
  } finally {
    await pull.close();
  }
}

function isIn(ranges: readonly UidRange[], uid: number): boolean {
  return ranges.some(({ firstUid, lastUid }) => uid >= firstUid && uid <= lastUid);
}

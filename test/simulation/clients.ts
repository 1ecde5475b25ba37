/**
 * Client events done: the real operations on a node's store, and what they mean entered in the ledger.
 */
import { hash } from "node:crypto";
import { isTandemError } from "../../src/model/errors.ts";
import type { LiveRecord } from "../../src/model/record.ts";
import {
  appendMessages,
  copyMessages,
  createMailbox,
  deleteMailbox,
  expungeMessages,
  moveMessages,
  purgeTombstones,
  renameMailbox,
  storeFlags,
  uidSetOf,
} from "../../src/operations/index.ts";
import { isLive } from "../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { boxName, type ClientEvent, FLAGS } from "./event.ts";
import type { Ledger } from "./ledger.ts";
import { ACCOUNT, type SimulatedNode } from "./node.ts";

/** A day in 2023; the same mail comes to each node a second later than to the one before. */
const DATE = 1_700_000_000_000;
/** Every new mailbox gets one of three uidValidities, as far as the account allows. */
const VALIDITIES = [100, 101, 102];

type Write = Exclude<ClientEvent, { readonly do: "look" }>;

/** What clients see every day: somebody else was faster, or there is no room. */
const USUAL = ["not-found", "exists", "io"] as const;

export class Clients {
  readonly #ledger: Ledger;
  #boxes = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Does it; what clients have to live with is no fault. @throws whatever else comes up. */
  async do(node: SimulatedNode, event: Write): Promise<void> {
    try {
      await this.#do(node, event);
    } catch (error) {
      if (!USUAL.some((code) => isTandemError(error, code))) throw error;
    }
  }

  #do(node: SimulatedNode, event: Write): Promise<unknown> {
    const store = node.storeFor("slow" in event && event.slow ? "slow" : "alone");
    switch (event.do) {
      case "deliver":
        return this.#deliver(node, store, event);
      case "create":
        return this.#create(node, store, boxName(event.box));
      case "delete":
        return this.#delete(node, store, boxName(event.box));
      case "rename":
        return this.#rename(store, boxName(event.box), boxName(event.to));
      case "purge":
        return purgeTombstones(store, ACCOUNT, boxName(event.box), { all: event.all });
      default:
        return this.#withMessage(node, store, event);
    }
  }

  async #deliver(node: SimulatedNode, store: MailboxStore, { box, mail }: Write & { do: "deliver" }): Promise<void> {
    const name = boxName(box);
    if ((await store.mailboxNamed(ACCOUNT, name)) === null) await this.#create(node, store, name);
    const bytes = Buffer.from(`mail ${mail}`);
    this.#ledger.accept(name, hash("sha256", bytes, "hex"));
    await appendMessages(store, ACCOUNT, name, [{ bytes, flags: [], internalDate: DATE + 1000 * node.at }]);
  }

  async #create(node: SimulatedNode, store: MailboxStore, name: string): Promise<void> {
    const number = this.#boxes++;
    const now = () => 1000 * (VALIDITIES[number % VALIDITIES.length] as number);
    await createMailbox(store, ACCOUNT, name, { now, mailboxId: () => `${node.name}-${number}` });
  }

  /** Whoever deletes a mailbox knows what is in it. */
  async #delete(node: SimulatedNode, store: MailboxStore, name: string): Promise<void> {
    for (const { guid } of await liveIn(node, name)) this.#ledger.expunge(name, guid);
    await deleteMailbox(store, ACCOUNT, name);
  }

  async #rename(store: MailboxStore, from: string, to: string): Promise<void> {
    if ((await store.mailboxNamed(ACCOUNT, from)) === null) return;
    this.#ledger.rename(from, to);
    await renameMailbox(store, ACCOUNT, from, to);
  }

  async #withMessage(
    node: SimulatedNode,
    store: MailboxStore,
    event: Extract<Write, { readonly pick: number }>,
  ): Promise<void> {
    const name = boxName(event.box);
    const live = await liveIn(node, name);
    const record = live[event.pick % live.length];
    if (record === undefined) return;
    const uids = uidSetOf([record.uid]);
    if (event.do === "flag") {
      const flags = [FLAGS[event.flag] as string];
      await storeFlags(store, ACCOUNT, name, uids, event.value ? { add: flags } : { remove: flags });
      return;
    }
    if (event.do !== "copy") this.#ledger.expunge(name, record.guid);
    if (event.do === "expunge") return void (await expungeMessages(store, ACCOUNT, name, uids));
    const to = boxName(event.to);
    if ((await store.mailboxNamed(ACCOUNT, to)) === null) await this.#create(node, store, to);
    this.#ledger.accept(to, record.guid);
    await (event.do === "copy" ? copyMessages : moveMessages)(store, ACCOUNT, name, uids, to);
  }
}

/** What is live in a mailbox, whether or not a process runs. */
async function liveIn(node: SimulatedNode, name: string): Promise<LiveRecord[]> {
  return ((await node.seeOne(name))?.records ?? []).filter(isLive);
}

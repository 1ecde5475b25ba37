/**
 * What a store holds, and whether it is valid, without a word of any test framework.
 */
import { createHash } from "node:crypto";
import { flagNames } from "../../src/model/flags.ts";
import type { IndexRecord } from "../../src/model/record.ts";
import { sameDigest } from "../../src/model/state.ts";
import { digestOfRecords, isLive } from "../../src/store/shared/blocks.ts";
import type { Mailbox, MailboxStore } from "../../src/store/store.ts";
import { recordsOf } from "../sync/support/node.ts";
import { countGuids } from "./view.ts";

/** A mailbox with its records, tombstones included. */
export interface Contents extends Mailbox {
  readonly records: readonly IndexRecord[];
}

/**
 * The mailboxes of an account that clients can see, and tombstones; without the counter of the tree, and without what is left of
 * mailboxes that became one with another here and were never two elsewhere.
 */
export async function contentsOf(store: MailboxStore, account: string): Promise<Contents[]> {
  const { mailboxes } = await store.tree(account);
  const aliases = new Set(mailboxes.flatMap(({ entry }) => entry.aliases));
  const shown = mailboxes.filter(({ entry }) => !(entry.deleted && aliases.has(entry.mailboxId)));
  return Promise.all(
    shown.map(async ({ entry, state, tombstones }) => ({
      entry,
      state,
      tombstones,
      records: await recordsOf(store, account, entry.mailboxId),
    })),
  );
}

/** What is wrong with mailboxes and their bodies, "" if nothing is (P11). */
export async function faultOf(store: MailboxStore, mailboxes: readonly Contents[]): Promise<string> {
  for (const { entry, state, records } of mailboxes) {
    if (!sameDigest(state.digest, digestOfRecords(records))) return `the digest of ${entry.name} does not fit`;
    for (const { guid, size, uid } of records.filter(isLive)) {
      const bytes = await store.readBody(guid, 0, size);
      if (createHash("sha256").update(bytes).digest("hex") !== guid) return `${entry.name} UID ${uid} has other bytes`;
    }
  }
  return "";
}

/** The first mailbox in which two nodes differ, as text for people; "" if they are identical. */
export function differenceOf(a: readonly Contents[], b: readonly Contents[]): string {
  const [mine, theirs] = [textsOf(a), textsOf(b)];
  for (const id of new Set([...mine.keys(), ...theirs.keys()]))
    if (mine.get(id) !== theirs.get(id)) return `\n  ${mine.get(id) ?? "nothing"}\n  ${theirs.get(id) ?? "nothing"}`;
  return "";
}

function textsOf(mailboxes: readonly Contents[]): Map<string, string> {
  return new Map(mailboxes.map((one) => [one.entry.mailboxId, JSON.stringify(one)]));
}

/** Messages and their flags, by name of the mailbox: what must not depend on who was master. */
export function messagesOf(mailboxes: readonly Contents[]): string {
  const shown = mailboxes.filter(({ entry }) => !entry.deleted);
  const texts = shown.map(({ entry, records }) => {
    const messages = records.filter(isLive).map((one) => `${one.guid.slice(0, 8)}{${flagNames(one).join(" ")}}`);
    return `${entry.name}: ${messages.sort().join(" ")}`;
  });
  return texts.sort().join("\n  ");
}

/** Live messages of each GUID in mailboxes that count under one name, by "name/guid". */
export function countsOf(mailboxes: readonly Contents[], groupOf: (name: string) => string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { entry, records } of mailboxes.filter((one) => !one.entry.deleted))
    for (const [guid, count] of countGuids(records)) {
      const key = `${groupOf(entry.name)}/${guid}`;
      sums.set(key, (sums.get(key) ?? 0) + count);
    }
  return sums;
}

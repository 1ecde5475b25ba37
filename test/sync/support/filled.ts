/** Large mailboxes of which only the index counts, made in one change. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { IndexRecord, LiveRecord } from "../../../src/model/record.ts";
import { digestOfRecords, packRecords } from "../../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import { ACCOUNT, Node } from "./node.ts";

/** Makes an INBOX of `count` records that name `distinct` messages; `edit` may change or leave out records. */
export async function fill(
  store: MailboxStore,
  count: number,
  distinct: number,
  edit: (record: LiveRecord) => IndexRecord | null = (record) => record,
): Promise<void> {
  const { entry, state: before } = await new Node("a", store).create();
  const bodies = Array.from({ length: distinct }, (_, i) => Buffer.from(`Subject: ${i}\r\n\r\n`));
  const guids = await store.stage(bodies);
  const all = Array.from({ length: count }, (_, i) => recordOf(i + 1, guids[i % distinct] as string, bodies, i));
  const records = all.flatMap((record) => edit(record) ?? []);
  const after = {
    ...before,
    uidNext: (records.at(-1)?.uid ?? 0) + 1,
    highestModseq: records.reduce((most, { modseq }) => Math.max(most, modseq), 1),
    digest: digestOfRecords(records),
  };
  const change = { account: ACCOUNT, mailboxId: entry.mailboxId, before, after, records: packRecords(records) };
  expect(await store.apply(change)).toBe("applied");
}

function recordOf(uid: number, guid: string, bodies: readonly Uint8Array[], i: number): LiveRecord {
  const { length } = bodies[i % bodies.length] as Uint8Array;
  return {
    expunged: false,
    uid,
    modseq: uid + 1,
    createdModseq: uid + 1,
    guid,
    size: length,
    // As real mail: some seconds to some days apart.
    internalDate: 1_500_000_000_000 + 1000 * uid * (1 + (createHash("md5").update(`${uid}`).digest()[0] as number)),
    systemFlags: uid % 3 === 0 ? 0 : 1,
    keywords: [],
    flagStamps: [],
    formerUids: [],
  };
}

/** `tandem cat`: the bytes of one message. */
import { decodeBatch } from "../../model/decode-batch.ts";
import { TandemError } from "../../model/errors.ts";
import { type LiveRecord, MAX_UID } from "../../model/record.ts";
import type { MailboxStore } from "../../store/store.ts";
import { messageBytes } from "../body.ts";
import type { AccountOptions } from "../options.ts";
import { withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { existingMailbox, withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError `not-found`, `body-unreadable`, and others. */
export function runCat(directory: string, mailbox: string, uid: string, options: AccountOptions): Promise<number> {
  const wanted = parseUid(uid);
  return withStore(directory, {}, async (store) => {
    const { guid, size } = await findMessage(store, options.account, mailbox, wanted);
    await withOutput(async (out) => {
      for await (const piece of messageBytes(store, guid, size)) {
        await out.bytes(piece);
        if (out.closed) break;
      }
    });
    return OK;
  });
}

function parseUid(text: string): number {
  const uid = Number(text);
  if (/^[1-9]\d{0,9}$/.test(text) && uid <= MAX_UID) return uid;
  throw new TandemError(
    "invalid-argument",
    `${JSON.stringify(text)} is not a UID; give one number from 1 to ${MAX_UID}.`,
  );
}

async function findMessage(store: MailboxStore, account: string, name: string, uid: number): Promise<LiveRecord> {
  const { entry } = await existingMailbox(store, account, name);
  const snapshot = await store.snapshot(account, entry.mailboxId);
  try {
    for await (const batches of snapshot.scan({ fromUid: uid, toUid: uid }))
      for (const record of batches.flatMap(({ bytes }) => decodeBatch(bytes)))
        if (record.uid === uid && !record.expunged) return record;
  } finally {
    await snapshot.close();
  }
  throw new TandemError(
    "not-found",
    `There is no message with UID ${uid} in ${JSON.stringify(entry.name)}; "tandem dump" lists those there are.`,
  );
}

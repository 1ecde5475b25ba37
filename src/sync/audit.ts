/**
 * The deep check of one mailbox (`verify --deep`): digest recomputed from the records, every message hashed.
 */
import { MAX_BODIES_PER_FRAME } from "../../protocol/limits.ts";
import { decodeBatch } from "../model/batch.ts";
import { addDigest, digestOf } from "../model/digest.ts";
import { EMPTY_DIGEST } from "../model/state.ts";
import type { MailboxStore } from "../store/store.ts";
import { isReadable } from "./bodies.ts";
import type { Audit } from "./peer.ts";

/** @throws TandemError `not-found`, or `bad-frame` if a block of records is damaged. */
export async function auditMailbox(store: MailboxStore, account: string, mailboxId: string): Promise<Audit> {
  const snapshot = await store.snapshot(account, mailboxId);
  let digest = EMPTY_DIGEST;
  const unreadable = new Set<string>();
  try {
    for await (const page of snapshot.scan()) {
      for (const record of page.flatMap((batch) => decodeBatch(batch.bytes))) {
        if (record.expunged) continue;
        digest = addDigest(digest, digestOf(record));
        if (!(await isReadable(store, record.guid, record.size))) unreadable.add(record.guid);
      }
    }
    const named = [...unreadable].slice(0, MAX_BODIES_PER_FRAME);
    return { state: snapshot.state, digest, unreadable: named, unreadableCount: unreadable.size };
  } finally {
    await snapshot.close();
  }
}

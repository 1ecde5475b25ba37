/** `tandem dump`: every mailbox and every record. */
import { decodeBatch } from "../../model/decode-batch.ts";
import type { IndexRecord } from "../../model/record.ts";
import type { MailboxSnapshot } from "../../store/store.ts";
import { MAILBOX_HEADS, mailboxLine, mailboxRow, RECORD_HEADS, recordLine, recordRow } from "../describe.ts";
import type { SelectOptions } from "../options.ts";
import { type Output, printable, withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { selectMailboxes, withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError. */
export function runDump(directory: string, options: SelectOptions): Promise<number> {
  const dumpOne = options.json ? dumpJson : dumpTable;
  return withStore(directory, {}, (store) =>
    withOutput(async (out) => {
      for (const { account, mailbox } of await selectMailboxes(store, options)) {
        const snapshot = await store.snapshot(account, mailbox.entry.mailboxId);
        try {
          await dumpOne(out, account, snapshot);
        } finally {
          await snapshot.close();
        }
      }
      return OK;
    }),
  );
}

async function dumpJson(out: Output, account: string, snapshot: MailboxSnapshot): Promise<void> {
  await out.json(mailboxLine(account, snapshot));
  for await (const record of records(out, snapshot)) await out.json(recordLine(record));
}

async function dumpTable(out: Output, account: string, snapshot: MailboxSnapshot): Promise<void> {
  await out.line(`account ${printable(account)}`);
  await out.line(MAILBOX_HEADS);
  await out.line(mailboxRow(mailboxLine(account, snapshot)));
  await out.line(RECORD_HEADS);
  for await (const record of records(out, snapshot)) await out.line(recordRow(recordLine(record)));
  await out.line("");
}

/** Records in UID order, for as long as somebody reads the output. */
async function* records(out: Output, snapshot: MailboxSnapshot): AsyncGenerator<IndexRecord> {
  for await (const batches of snapshot.scan())
    for (const { bytes } of batches) {
      if (out.closed) return;
      yield* decodeBatch(bytes).filter((one) => !one.expunged || one.modseq > snapshot.state.purgedModseq);
    }
}

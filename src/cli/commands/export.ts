/** `tandem export`: an account as a Maildir++ tree. */
import { dirname } from "node:path";
import { fileError } from "../../formats/file.ts";
import { MaildirFolder, openMaildirTree } from "../../formats/maildir-writer.ts";
import { decodeBatch } from "../../model/decode-batch.ts";
import { isTandemError, TandemError } from "../../model/errors.ts";
import { flagNames } from "../../model/flags.ts";
import type { LiveRecord } from "../../model/record.ts";
import { makeDirectories } from "../../store/embedded/make-directories.ts";
import type { MailboxSnapshot, MailboxStore } from "../../store/store.ts";
import { messageBytes } from "../body.ts";
import type { MailboxOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { collectFaults, openProgress, type Progress } from "../progress.ts";
import { FAILED, OK } from "../run.ts";
import { selectMailboxes, withStore } from "../store-access.ts";

/** Files written at a time: enough for the disk to join their syncs, few enough to hold in memory. */
const AT_ONCE = 16;

interface ExportCounts {
  readonly mailbox: string;
  written: number;
  flagsChanged: number;
  alreadyThere: number;
}

/** @returns the exit status. @throws TandemError. */
export async function runExport(directory: string, dest: string, options: MailboxOptions): Promise<number> {
  if (dest === "") throw new TandemError("invalid-argument", "The name of the destination is empty; name a directory.");
  return withStore(directory, {}, async (store) => {
    const selected = await selectMailboxes(store, options);
    await makeDirectories(dirname(dest)).catch((error: unknown) => {
      throw fileError("written", dest, error);
    });
    await openMaildirTree(dest, options.account);
    const { progress, faults } = collectFaults(await openProgress("messages"));
    const counts: ExportCounts[] = [];
    try {
      for (const { account, mailbox } of selected)
        counts.push(await exportMailbox(store, account, mailbox.entry.mailboxId, dest, progress));
    } finally {
      progress.stop();
    }
    await printCounts(counts, faults, options.json === true);
    return faults.length === 0 ? OK : FAILED;
  });
}

async function exportMailbox(
  store: MailboxStore,
  account: string,
  mailboxId: string,
  dest: string,
  progress: Progress,
): Promise<ExportCounts> {
  const snapshot = await store.snapshot(account, mailboxId);
  try {
    const counts: ExportCounts = { mailbox: snapshot.entry.name, written: 0, flagsChanged: 0, alreadyThere: 0 };
    progress.grow(snapshot.state.digest.count);
    const folder = await MaildirFolder.open(dest, counts.mailbox);
    await inParallel(liveRecords(snapshot), (record) => exportRecord(store, folder, record, counts, progress));
    await folder.close();
    reportKeywords(folder, counts.mailbox, progress);
    return counts;
  } finally {
    await snapshot.close();
  }
}

async function* liveRecords(snapshot: MailboxSnapshot): AsyncGenerator<LiveRecord> {
  for await (const batches of snapshot.scan())
    for (const { bytes } of batches) for (const record of decodeBatch(bytes)) if (!record.expunged) yield record;
}

/** A message whose bytes cannot be read is reported; the others go on. */
async function exportRecord(
  store: MailboxStore,
  folder: MaildirFolder,
  record: LiveRecord,
  counts: ExportCounts,
  progress: Progress,
): Promise<void> {
  try {
    const bytes = messageBytes(store, record.guid, record.size);
    const written = await folder.add({ ...record, flags: flagNames(record), bytes });
    if (written === "written") counts.written++;
    else if (written === "present") counts.alreadyThere++;
    else counts.flagsChanged++;
  } catch (error) {
    if (!isTandemError(error, "body-unreadable") && !isTandemError(error, "body-missing")) throw error;
    progress.fault(`${printable(counts.mailbox)}, UID ${record.uid}: ${error.message}`);
  }
  progress.tick(1);
}

function reportKeywords(folder: MaildirFolder, mailbox: string, progress: Progress): void {
  const left = folder.keywordsLeftOut;
  if (left.length > 0)
    progress.fault(
      `${printable(mailbox)} has more than the 26 keywords a Maildir folder can hold; left out: ${printable(left.join(" "))}.`,
    );
}

/** Starts `work` on each item in order, at most `AT_ONCE` at a time; after a failure no more is started. */
async function inParallel<T>(items: AsyncIterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  for await (const item of items) {
    const done = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(done));
    running.add(done);
    if (running.size >= AT_ONCE) await Promise.race(running);
    if (failures.length > 0) break;
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
}

async function printCounts(counts: readonly ExportCounts[], errors: readonly string[], json: boolean): Promise<void> {
  await withOutput(async (out) => {
    if (json) return out.json({ mailboxes: counts, errors });
    for (const { mailbox, written, flagsChanged, alreadyThere } of counts)
      await out.line(
        `${printable(mailbox)}: ${written} written, ${flagsChanged} with new flags, ${alreadyThere} already there`,
      );
    if (counts.length === 0) await out.line("no mailboxes");
  });
}

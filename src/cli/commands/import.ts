/** `tandem import`: mail files into a store. */
import { detectSource } from "../../formats/detect.ts";
import type { SourceReader } from "../../formats/source.ts";
import { isTandemError } from "../../model/errors.ts";
import { checkedName } from "../../model/mailbox.ts";
import { type ImportCounts, Importer } from "../importer.ts";
import type { MailboxOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { collectFaults, openProgress, type Progress } from "../progress.ts";
import { FAILED, OK } from "../run.ts";
import { withStore } from "../store-access.ts";
import { checkedStorePath } from "../store-path.ts";

/** @returns the exit status. @throws TandemError. */
export async function runImport(
  directory: string,
  sources: readonly string[],
  options: MailboxOptions,
): Promise<number> {
  checkedStorePath(directory);
  checkedName(options.account, "account");
  checkedName(options.mailbox ?? "INBOX");
  const { progress, faults } = collectFaults(await openProgress("messages"));
  const counts = await importAll(directory, sources, options, progress).finally(() => progress.stop());
  await printCounts(counts, faults, options.json === true);
  return faults.length === 0 ? OK : FAILED;
}

/** Readers of the sources that are something to import; the others are reported. */
function detectAll(sources: readonly string[], progress: Progress): SourceReader[] {
  return sources.flatMap((source) => {
    try {
      return [detectSource(source)];
    } catch (error) {
      if (!isTandemError(error)) throw error;
      progress.fault(error.message);
      return [];
    }
  });
}

async function importAll(
  directory: string,
  sources: readonly string[],
  options: MailboxOptions,
  progress: Progress,
): Promise<ImportCounts[]> {
  const readers = detectAll(sources, progress);
  // Nothing to read: a store is not made, and one that is there is not opened.
  if (readers.length === 0) return [];
  return withStore(directory, { create: true }, async (store) => {
    const importer = new Importer({ store, account: options.account, mailbox: options.mailbox }, progress);
    for (const read of readers) for await (const item of read()) await importer.take(item);
    return importer.finish();
  });
}

async function printCounts(counts: readonly ImportCounts[], errors: readonly string[], json: boolean): Promise<void> {
  await withOutput(async (out) => {
    if (json) return out.json({ mailboxes: counts, errors });
    for (const { mailbox, imported, alreadyThere } of counts)
      await out.line(`${printable(mailbox)}: ${imported} imported, ${alreadyThere} already there`);
    if (counts.length === 0) await out.line("no message imported");
  });
}

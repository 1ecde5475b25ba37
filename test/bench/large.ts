/**
 * Large stores: one mailbox of very many records, one account of very many mailboxes. `npm run large` prints the figures;
 * a test does the same with fewer.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  appendMessages,
  createMailbox,
  DEFAULT_SYNC_OPTIONS,
  type MailboxStore,
  parseUidSet,
  type SyncResult,
  storeFlags,
  syncStores,
} from "../../src/index.ts";
import { ACCOUNT, recordStore, withStore } from "./stores.ts";
import { figure, formatTable, type Row } from "./table.ts";

/** How large. */
export interface LargeSize {
  readonly records: number;
  readonly mailboxes: number;
}

/** What was measured and what the exchanges did. */
export interface Large {
  readonly rows: readonly Row[];
  readonly results: readonly SyncResult[];
  readonly faults: readonly string[];
}

/** Mailboxes made by one change of the tree. */
const MADE_AT_ONCE = 5000;

export async function largeRows(directory: string, { records, mailboxes }: LargeSize): Promise<Large> {
  const measured = new Measured();
  const [a, b] = [join(directory, "a"), join(directory, "b")];
  await measured.time(`one mailbox of ${records} records: made`, () => recordStore(a, records));
  await withStore(a, (left) => withStore(b, (right) => exchanges(measured, left, right, records)));
  const [c, d] = [join(directory, "c"), join(directory, "d")];
  await withStore(c, (left) => withStore(d, (right) => manyMailboxes(measured, left, right, mailboxes)));
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  return { ...measured, rows: [...measured.rows, figure("peak memory of the one process", `${peak} MiB`)] };
}

class Measured {
  readonly rows: Row[] = [];
  readonly results: SyncResult[] = [];
  readonly faults: string[] = [];

  async time<T>(work: string, action: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const value = await action();
    this.rows.push(figure(work, `${((performance.now() - started) / 1000).toFixed(2)} s`));
    return value;
  }

  async sync(work: string, left: MailboxStore, right: MailboxStore, full = false): Promise<void> {
    this.results.push(await this.time(work, () => syncStores(left, right, { ...DEFAULT_SYNC_OPTIONS, full })));
  }
}

async function exchanges(measured: Measured, left: MailboxStore, right: MailboxStore, records: number): Promise<void> {
  await measured.sync("  first copy", left, right);
  await measured.sync("  nothing to do", left, right);
  await storeFlags(left, ACCOUNT, "INBOX", parseUidSet(`${Math.floor(records / 2)}`), { add: ["\\Seen"] });
  await measured.sync("  one flag", left, right);
  await measured.sync("  full resync, nothing differs", left, right, true);
  const mailbox = await right.mailboxNamed(ACCOUNT, "INBOX");
  const snapshot = await right.snapshot(ACCOUNT, mailbox?.entry.mailboxId ?? "");
  const { damaged, wrongSums } = await measured.time("  all records examined", () => snapshot.examine());
  await snapshot.close();
  if (damaged.length + wrongSums > 0) measured.faults.push(`${damaged.length} damaged, ${wrongSums} wrong sums`);
  measured.faults.push(...(await measured.time("  index checked", () => right.check())));
}

async function manyMailboxes(
  measured: Measured,
  left: MailboxStore,
  right: MailboxStore,
  mailboxes: number,
): Promise<void> {
  await createMailbox(left, ACCOUNT, "INBOX");
  await measured.time(`${mailboxes} mailboxes: made`, () => makeMailboxes(left, mailboxes));
  await measured.sync("  first copy", left, right);
  await measured.sync("  nothing to do", left, right);
  const [guid = ""] = await left.stage([Buffer.from("one message")]);
  await appendMessages(left, ACCOUNT, "box/0", [{ guid, size: 11, flags: [], internalDate: 0 }]);
  await measured.sync("  one message in one of them", left, right);
}

async function makeMailboxes(store: MailboxStore, count: number): Promise<void> {
  const rest = { deleted: false, attributes: [], aliases: [], formerNames: [] };
  for (let start = 0; start < count; start += MADE_AT_ONCE) {
    const { modseq } = await store.tree(ACCOUNT);
    const stamps = { nameStamp: modseq + 1, createdStamp: modseq + 1, modseq: modseq + 1 };
    const puts = Array.from({ length: Math.min(MADE_AT_ONCE, count - start) }, (_, i) => ({
      entry: { mailboxId: `m${start + i}`, name: `box/${start + i}`, ...stamps, ...rest },
      uidValidity: 7,
    }));
    await store.applyTree({ account: ACCOUNT, before: modseq, after: modseq + 1, puts });
  }
}

/** Measures in a directory of its own, and removes it. */
export async function measureLarge(size: LargeSize): Promise<Large> {
  const directory = mkdtempSync(join(tmpdir(), "tandem-large-"));
  try {
    return await largeRows(directory, size);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (process.argv[2] === "print") {
  const { rows, results, faults } = await measureLarge({ records: 2_000_000, mailboxes: 50_000 });
  process.stdout.write(`${formatTable(rows)}\n`);
  const issues = results.flatMap((result) => result.issues.map(({ message }) => message));
  for (const fault of [...issues, ...faults]) process.stderr.write(`${fault}\n`);
  process.exitCode = issues.length + faults.length === 0 ? 0 : 1;
}

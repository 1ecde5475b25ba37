/** `tandem sync`: one exchange between two locations. */
import { counted, countMailboxes } from "../../model/counted.ts";
import { TandemError } from "../../model/errors.ts";
import { exchange } from "../../sync/exchange.ts";
import type { LocalFault } from "../../sync/local-faults.ts";
import type {
  Direction,
  SyncOptions as ExchangeOptions,
  ReportedDecision,
  SyncCounts,
  SyncIssue,
} from "../../sync/report.ts";
import { type Chosen, chosenBy, needChosen } from "../chosen.ts";
import { type MissingTo, type OpenSides, openSides } from "../location.ts";
import type { SyncOptions } from "../options.ts";
import { type Output, printable, withOutput } from "../output.ts";
import { openProgress, type Progress } from "../progress.ts";
import { FAILED, OK, printError } from "../run.ts";

/** What `--json` prints at the end. */
interface Summary extends SyncCounts {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly roundTrips: number;
  readonly elapsedMs: number;
}

/** @returns the exit status. @throws TandemError. */
export async function runSync(from: string, to: string, options: SyncOptions): Promise<number> {
  const started = performance.now();
  if (options.mirror && !options.oneWay)
    throw new TandemError("invalid-argument", "--mirror goes with --one-way: it makes TO exactly FROM.");
  const chosen = chosenBy(options);
  const sides = await openChosen(from, to, chosen, options);
  const progress = await openProgress("messages");
  try {
    return await withOutput(async (out) => {
      const issues: SyncIssue[] = [];
      const wanted = exchangeOptions(chosen, options, progress, out, issues);
      const report = await exchange(sides.left, sides.right, wanted);
      progress.stop();
      await out.flush();
      await print(out, summarize(report.counts, sides, started), issues, options);
      return issues.length === 0 ? OK : FAILED;
    });
  } finally {
    progress.stop();
    await sides.close();
  }
}

/** Both sides, at least one of which has what was chosen; TO is only made if FROM has it. */
async function openChosen(from: string, to: string, chosen: Chosen, options: SyncOptions): Promise<OpenSides> {
  const onFault = ({ message }: LocalFault) => printError(message);
  const open = (missingTo: MissingTo) => openSides(from, to, { missingTo, trust: options, onFault });
  const isAll = chosen.account === null && chosen.mailbox === null;
  if (isAll && !options.dryRun) return open("made");
  const sides = await open("imagined");
  try {
    await needChosen(sides, chosen);
  } catch (error) {
    await sides.close();
    throw error;
  }
  if (options.dryRun || !sides.isImagined) return sides;
  await sides.close();
  return open("made");
}

function exchangeOptions(
  chosen: Chosen,
  options: SyncOptions,
  progress: Progress,
  out: Output,
  issues: SyncIssue[],
): ExchangeOptions {
  const direction: Direction = options.mirror ? "mirror" : options.oneWay ? "one-way" : "both";
  return {
    ...chosen,
    direction,
    dryRun: options.dryRun === true,
    full: options.full === true,
    allowMassDeletion: options.allowMassDeletion === true,
    onProgress: countBodies(progress),
    onIssue: (issue) => issues.push(issue),
    ...(options.dryRun ? { onDecision: (decision) => out.queue(decisionLine(decision, options.json)) } : {}),
  };
}

function countBodies(progress: Progress): NonNullable<ExchangeOptions["onProgress"]> {
  let last = 0;
  return ({ records }) => {
    progress.tick(records - last);
    last = records;
  };
}

function decisionLine(decision: ReportedDecision, json: boolean | undefined): string {
  if (json) return JSON.stringify({ kind: "decision", ...decision });
  const { account, mailbox, row, uid, newUid, reason } = decision;
  const where = `${printable(account)}/${printable(mailbox)}`;
  const what = uid === undefined ? "" : ` UID ${uid}${newUid === undefined ? "" : ` -> ${newUid}`}`;
  return `${row} ${where}${what}: ${reason}`;
}

function summarize(counts: SyncCounts, { remotes }: OpenSides, started: number): Summary {
  const sum = (pick: (stats: (typeof remotes)[number]["stats"]) => number) =>
    remotes.reduce((total, remote) => total + pick(remote.stats), 0);
  const { errors, ...others } = counts;
  return {
    ...others,
    bytesSent: sum((stats) => stats.bytesSent),
    bytesReceived: sum((stats) => stats.bytesReceived),
    roundTrips: sum((stats) => stats.roundTrips),
    errors,
    elapsedMs: Math.round(performance.now() - started),
  };
}

async function print(out: Output, summary: Summary, issues: readonly SyncIssue[], options: SyncOptions): Promise<void> {
  for (const issue of issues) {
    if (options.json) await out.json({ kind: "error", ...issue });
    else printError(`${printable(issue.account)}/${printable(issue.mailbox)}: ${issue.message}`);
  }
  if (options.json) return out.json(summary);
  const { mailboxes, recordsSent, recordsReceived, bodiesSent, bodiesReceived, bytesSent, bytesReceived } = summary;
  await out.line(
    options.dryRun
      ? `dry run: ${countMailboxes(mailboxes)} compared, nothing written`
      : `${countMailboxes(mailboxes)} exchanged, ${counted(recordsSent, "record")} and ${counted(bodiesSent, "body", "bodies")} sent, ${recordsReceived} and ${bodiesReceived} received`,
  );
  const { renumbered, expunged, flagsMerged, fullResyncs, roundTrips, elapsedMs } = summary;
  if (renumbered + expunged + flagsMerged + fullResyncs > 0)
    await out.line(
      `${flagsMerged} merged, ${renumbered} renumbered, ${expunged} expunged, ${counted(fullResyncs, "full resync")}`,
    );
  await out.line(
    `${counted(bytesSent, "byte")} there, ${bytesReceived} back, ${counted(roundTrips, "round trip")}, ${elapsedMs} ms`,
  );
}

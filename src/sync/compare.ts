/**
 * Compares two sides without changing them: names, counters and digests, and with `deep` every record and every byte.
 */
import { counted } from "../model/counted.ts";
import { isTandemError, TandemError } from "../model/errors.ts";
import { formatDigest, type MailboxState, sameDigest } from "../model/state.ts";
import { pairsOf } from "./diff.ts";
import { type Audit, type Peer, type Survey, type SurveyedMailbox, surveyKey } from "./peer.ts";

/** Damaged ranges of UIDs that are named: more would say no more. */
const MOST_RANGES = 20;

export interface CompareOptions {
  readonly account: string | null;
  readonly deep: boolean;
  readonly onMailbox?: () => void;
}

/** One thing that is not the same, or not sound, in words. */
export interface Difference {
  readonly account: string;
  readonly mailbox: string;
  readonly what: string;
}

export interface Comparison {
  readonly mailboxes: number;
  readonly messages: number;
  readonly differences: readonly Difference[];
}

/**
 * Digests cover live messages: UIDs, modseqs, flags, dates and GUIDs. Tombstones and the counters above them are not
 * compared, since a purge on one side alone is no difference to a client.
 * @throws TandemError if a side cannot be read.
 */
export async function compareSides(a: Peer, b: Peer, options: CompareOptions): Promise<Comparison> {
  const question = { account: options.account, mailboxId: null, base: null, complete: true, inlineBytes: 0 };
  const known = await a.survey(question);
  const [left, right] = [liveMailboxes(known), liveMailboxes(await b.survey({ ...question, known }))];
  const differences: Difference[] = [];
  let messages = 0;
  for (const [key, mailbox] of left) {
    const other = right.get(key) ?? null;
    messages += mailbox.state.digest.count;
    const audits = options.deep ? await auditBoth(a, b, mailbox, other) : NOT_AUDITED;
    // Looking for UIDs would correct a wrong digest, and that is for a repair to do.
    const uids = audits.hasWrongIndex ? "" : await differingUids(a, b, mailbox, other);
    differences.push(...compareOne(mailbox, other, uids), ...audits.differences);
    options.onMailbox?.();
  }
  const others = [...right].filter(([key]) => !left.has(key)).map(([, mailbox]) => mailbox);
  for (const mailbox of others) {
    differences.push({ ...named(mailbox), what: "only in B" });
    if (options.deep) differences.push(...(await auditOne(b, mailbox, "B")).differences);
  }
  return { mailboxes: left.size + others.length, messages, differences };
}

function liveMailboxes({ mailboxes }: Survey): Map<string, SurveyedMailbox> {
  const live = mailboxes.filter(({ entry }) => !entry.deleted);
  return new Map(live.map((mailbox) => [surveyKey(mailbox), mailbox]));
}

function named({ account, entry }: SurveyedMailbox): { account: string; mailbox: string } {
  return { account, mailbox: entry.name };
}

/** UIDs under which live messages differ, in words; empty where the digests do not say so, or the UIDs mean different messages. */
async function differingUids(a: Peer, b: Peer, left: SurveyedMailbox, right: SurveyedMailbox | null): Promise<string> {
  if (right === null || left.state.uidValidity !== right.state.uidValidity) return "";
  if (sameDigest(left.state.digest, right.state.digest)) return "";
  const pairs = await pairsOf(a, b, left, right);
  const uids = pairs.filter((pair) => [pair.left, pair.right].some((one) => one?.expunged === false));
  const named = uids.slice(0, NAMED_UIDS).map(({ uid }) => uid);
  const more = uids.length > NAMED_UIDS ? ` and ${uids.length - NAMED_UIDS} more` : "";
  return named.length === 0 ? "" : `; they differ in UID ${named.join(", ")}${more}`;
}

/** UIDs named in one line: where an administrator can begin to look. */
const NAMED_UIDS = 20;

function compareOne(a: SurveyedMailbox, b: SurveyedMailbox | null, uids: string): Difference[] {
  if (b === null) return [{ ...named(a), what: "only in A" }];
  const found: string[] = [];
  if (a.entry.name !== b.entry.name) found.push(`named ${JSON.stringify(b.entry.name)} in B`);
  if (a.state.uidValidity !== b.state.uidValidity)
    found.push(`uidValidity ${a.state.uidValidity} in A, ${b.state.uidValidity} in B`);
  if (!sameDigest(a.state.digest, b.state.digest))
    found.push(`${summary(a.state)} in A, ${summary(b.state)} in B${uids}`);
  return found.map((what) => ({ ...named(a), what }));
}

function summary({ digest }: MailboxState): string {
  return `${counted(digest.count, "message")} with digest ${formatDigest(digest)}`;
}

/** What the deep check of a mailbox found. Where records, or sums of them, are wrong, digests say nothing of what differs. */
interface Findings {
  readonly hasWrongIndex: boolean;
  readonly differences: readonly Difference[];
}

const NOT_AUDITED: Findings = { hasWrongIndex: false, differences: [] };

async function auditBoth(a: Peer, b: Peer, left: SurveyedMailbox, right: SurveyedMailbox | null): Promise<Findings> {
  const found = [await auditOne(a, left, "A")];
  if (right !== null) found.push(await auditOne(b, right, "B"));
  return {
    hasWrongIndex: found.some(({ hasWrongIndex }) => hasWrongIndex),
    differences: found.flatMap(({ differences }) => differences),
  };
}

async function auditOne(peer: Peer, mailbox: SurveyedMailbox, side: "A" | "B"): Promise<Findings> {
  try {
    const audit = await peer.audit(mailbox.account, mailbox.entry.mailboxId);
    const differences = auditSentences(audit, ` in ${side}`).map((what) => ({ ...named(mailbox), what }));
    return { hasWrongIndex: !hasSoundIndex(audit), differences };
  } catch (error) {
    if (!isTandemError(error, "digest-fault")) throw error;
    return { hasWrongIndex: true, differences: [{ ...named(mailbox), what: `in ${side}: ${error.message}` }] };
  }
}

function hasSoundIndex({ damaged, wrongSums, digest, state }: Audit): boolean {
  return damaged.length === 0 && wrongSums === 0 && sameDigest(digest, state.digest);
}

/** What an audit found, in words; none if all is well. @param where e.g. " in A". */
function auditSentences(audit: Audit, where: string): string[] {
  const { digest, state, damaged, wrongSums, unreadable, unreadableCount } = audit;
  const found: string[] = [];
  const ranges = damaged.map(({ firstUid, lastUid }) => `${Math.max(1, firstUid)}:${lastUid}`).slice(0, MOST_RANGES);
  if (damaged.length > 0)
    found.push(`the records of ${counted(damaged.length, "block")}${where} are damaged: UIDs ${ranges}`);
  else if (!sameDigest(digest, state.digest))
    found.push(
      `the stored digest${where}, ${formatDigest(state.digest)}, does not fit its records: ${formatDigest(digest)} was recomputed`,
    );
  if (wrongSums > 0) found.push(`${wrongSums} sums of groups of records${where} do not fit their records`);
  if (unreadableCount > 0)
    found.push(
      `${counted(unreadableCount, "message")}${where} cannot be read, or not as the GUID says, e.g. ${unreadable[0]}`,
    );
  return found;
}

/** What a node answers that found its records, or sums of them, to be damaged. */
export function auditFault(audit: Audit): TandemError {
  return new TandemError("digest-fault", `${auditSentences(audit, "").join("; ")}.`);
}

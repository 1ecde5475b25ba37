/**
 * Compares two sides without changing them: names, counters and digests, and with `deep` every record and every byte.
 */
import { formatDigest, type MailboxState, sameDigest } from "../model/state.ts";
import type { Peer, SurveyedMailbox } from "./peer.ts";

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
  const [left, right] = await Promise.all([liveMailboxes(a, options.account), liveMailboxes(b, options.account)]);
  const differences: Difference[] = [];
  let messages = 0;
  for (const [key, mailbox] of left) {
    const other = right.get(key) ?? null;
    messages += mailbox.state.digest.count;
    differences.push(...compareOne(mailbox, other));
    if (options.deep) differences.push(...(await auditBoth(a, b, mailbox, other)));
    options.onMailbox?.();
  }
  const others = [...right].filter(([key]) => !left.has(key)).map(([, mailbox]) => mailbox);
  for (const mailbox of others) {
    differences.push({ ...named(mailbox), what: "only in B" });
    if (options.deep) differences.push(...(await auditOne(b, mailbox, "B")));
  }
  return { mailboxes: left.size + others.length, messages, differences };
}

async function liveMailboxes(peer: Peer, account: string | null): Promise<Map<string, SurveyedMailbox>> {
  const { mailboxes } = await peer.survey({ account, base: null, complete: true, inlineBytes: 0 });
  const live = mailboxes.filter(({ entry }) => !entry.deleted);
  return new Map(live.map((mailbox) => [`${mailbox.account}\0${mailbox.entry.mailboxId}`, mailbox]));
}

function named({ account, entry }: SurveyedMailbox): { account: string; mailbox: string } {
  return { account, mailbox: entry.name };
}

function compareOne(a: SurveyedMailbox, b: SurveyedMailbox | null): Difference[] {
  if (b === null) return [{ ...named(a), what: "only in A" }];
  const found: string[] = [];
  if (a.entry.name !== b.entry.name) found.push(`named ${JSON.stringify(b.entry.name)} in B`);
  if (a.state.uidValidity !== b.state.uidValidity)
    found.push(`uidValidity ${a.state.uidValidity} in A, ${b.state.uidValidity} in B`);
  if (!sameDigest(a.state.digest, b.state.digest)) found.push(`${summary(a.state)} in A, ${summary(b.state)} in B`);
  return found.map((what) => ({ ...named(a), what }));
}

function summary({ digest }: MailboxState): string {
  return `${digest.count} messages with digest ${formatDigest(digest)}`;
}

async function auditBoth(
  a: Peer,
  b: Peer,
  left: SurveyedMailbox,
  right: SurveyedMailbox | null,
): Promise<Difference[]> {
  return [...(await auditOne(a, left, "A")), ...(right === null ? [] : await auditOne(b, right, "B"))];
}

async function auditOne(peer: Peer, mailbox: SurveyedMailbox, side: "A" | "B"): Promise<Difference[]> {
  const { digest, state, unreadable, unreadableCount } = await peer.audit(mailbox.account, mailbox.entry.mailboxId);
  const found: string[] = [];
  if (!sameDigest(digest, state.digest))
    found.push(`the stored digest in ${side} does not fit its records: ${formatDigest(digest)} was recomputed`);
  if (unreadableCount > 0)
    found.push(`${unreadableCount} messages in ${side} cannot be read or do not fit their GUID, e.g. ${unreadable[0]}`);
  return found.map((what) => ({ ...named(mailbox), what }));
}

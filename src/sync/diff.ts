/**
 * What differs between two sides: mailboxes, UIDs, fields. Costs little more than what differs: equal mailboxes are found
 * by comparing lists, equal records by comparing ranges of UIDs. Changes nothing.
 */
import { placeKey } from "../store/shared/place-key.ts";
import { type FieldDifference, mailboxDifferences, mayDiffer, recordDifferences } from "./differences.ts";
import { gatherByRanges, gatherPairs } from "./gather.ts";
import { type Peer, type SurveyedMailbox, surveyKey } from "./peer.ts";

export interface DiffOptions {
  /** Only this account; null: all. */
  readonly account: string | null;
  /** Only mailboxes that have this name on either side; null: all. */
  readonly mailbox: string | null;
}

/** A mailbox that differs. */
export interface MailboxDiff {
  readonly account: string;
  /** As it is named in A, or in B if only that one has it. */
  readonly mailbox: string;
  readonly fields: readonly FieldDifference[];
  /** Records that differ, in UID order; none where the uidValidity does, since the UIDs mean different messages. */
  readonly records: readonly { readonly uid: number; readonly fields: readonly FieldDifference[] }[];
}

export interface DiffResult {
  /** Mailboxes compared, those included that turned out equal. */
  readonly mailboxes: number;
}

/**
 * Yields each mailbox that differs.
 * @throws TandemError if a side cannot be read.
 */
export async function* diffSides(a: Peer, b: Peer, options: DiffOptions): AsyncGenerator<MailboxDiff, DiffResult> {
  const question = { account: options.account, mailboxId: null, base: null, complete: true, inlineBytes: 0 };
  const left = await a.survey(question);
  const right = await b.survey({ ...question, known: left });
  let mailboxes = 0;
  for (const [one, other] of matched(left.mailboxes, right.mailboxes)) {
    const isChosen = options.mailbox === null || [one, other].some((side) => side?.entry.name === options.mailbox);
    if (!isChosen) continue;
    mailboxes++;
    if (one !== null && right.same.has(surveyKey(one))) continue;
    const found = await diffOne(a, b, one, other);
    if (found.fields.length + found.records.length > 0) yield found;
  }
  return { mailboxes };
}

type Matched = readonly [SurveyedMailbox | null, SurveyedMailbox | null];

/** Mailboxes of both sides by their ids and aliases, by account and name. */
function matched(left: readonly SurveyedMailbox[], right: readonly SurveyedMailbox[]): Matched[] {
  const byId = new Map<string, SurveyedMailbox>();
  const keysOf = ({ account, entry }: SurveyedMailbox) =>
    [entry.mailboxId, ...entry.aliases].map((mailboxId) => placeKey({ account, mailboxId }));
  for (const one of right) for (const key of keysOf(one).reverse()) byId.set(key, one);
  const free = new Set(right);
  const pairs = left.map((one): Matched => {
    const other = keysOf(one).flatMap((key) => byId.get(key) ?? [])[0] ?? null;
    if (other === null || !free.delete(other)) return [one, null];
    return [one, other];
  });
  const all = [...pairs, ...[...free].map((other): Matched => [null, other])];
  const nameOf = ([one, other]: Matched) => {
    const { account, entry } = (one ?? other) as SurveyedMailbox;
    return `${account}\0${entry.name}`;
  };
  return all.sort((x, y) => (nameOf(x) < nameOf(y) ? -1 : 1));
}

async function diffOne(
  a: Peer,
  b: Peer,
  one: SurveyedMailbox | null,
  other: SurveyedMailbox | null,
): Promise<MailboxDiff> {
  const { account, entry } = (one ?? other) as SurveyedMailbox;
  const records = one === null || other === null || !mayDiffer(one, other) ? [] : await pairsOf(a, b, one, other);
  const differing = records.map((pair) => ({ uid: pair.uid, fields: recordDifferences(pair) }));
  return { account, mailbox: entry.name, fields: mailboxDifferences(one, other), records: differing };
}

/** The records in which a mailbox differs. */
export async function pairsOf(left: Peer, right: Peer, one: SurveyedMailbox, other: SurveyedMailbox) {
  const [a, b] = [
    { ...one, exists: true },
    { ...other, exists: true },
  ];
  const sides = { left, right };
  return ((await gatherByRanges(sides, a, b)) ?? (await gatherPairs(sides, a, b, null))).pairs;
}

/**
 * The rule for the tree: which mailboxes of two accounts are the same, and what each side's entries become (T01-T07).
 *
 * Pure. Deletions and identities that become one (T03, T04, T05) change entries together with records, so this plan
 * only names them; everything else is one change of the tree on each side, which may swap names.
 */
import { compareText } from "../model/flags.ts";
import { type FormerName, MAX_NAME_BYTES, type MailboxEntry, uidValidityFloors } from "../model/mailbox.ts";
import { formerNamesOf, mergeEntries, sameEntry } from "./entry.ts";
import type {
  Stranded,
  Tree,
  TreeDecision,
  TreeEntryPut,
  TreeMailbox,
  TreePair,
  TreePlan,
  TreeRowId,
} from "./tree-plan.ts";

/** A matched mailbox with the entry it shall have. */
interface Planned extends TreePair {
  entry: MailboxEntry;
  uidValidity: number;
  row: TreeRowId;
  reason: string;
}

export function planTree(left: Tree, right: Tree): TreePlan {
  const newModseq = Math.max(left.modseq, right.modseq) + 1;
  const matched = matchMailboxes(left, right);
  const stranded = strandedOf(matched);
  const alone = new Set(stranded.map(({ pair }) => pair));
  const planned = unifyNames(matched.filter((pair) => !alone.has(pair))).map(plan);
  resolveNames(planned, newModseq, aliveNames(stranded));
  keepUidValidityGrowing(planned);
  const puts = { left: [] as TreeEntryPut[], right: [] as TreeEntryPut[] };
  let modseq = Math.max(left.modseq, right.modseq);
  for (const one of planned) {
    if (one.together) continue;
    const writes = settleEntry(one, left.modseq, right.modseq, newModseq);
    if (writes.left !== null) puts.left.push(writes.left);
    if (writes.right !== null) puts.right.push(writes.right);
    modseq = Math.max(modseq, writes.left?.entry.modseq ?? 0, writes.right?.entry.modseq ?? 0);
  }
  const written = new Set([...puts.left, ...puts.right].map((put) => put.entry.mailboxId));
  return {
    ...puts,
    modseq,
    pairs: planned.map(({ left: l, right: r, together }) => ({ left: l, right: r, together })),
    decisions: planned.filter((one) => one.together || written.has(one.entry.mailboxId)).map(toDecision),
    stranded: stranded.flatMap(describeStranded),
  };
}

interface StrandedPair {
  readonly pair: TreePair;
  /** The pair of the mailbox it is one with. */
  readonly holder: TreePair;
}

/** Mailboxes of one side whose identity the other side knows as an alias of a mailbox that both have. */
function strandedOf(pairs: readonly TreePair[]): StrandedPair[] {
  const holders = new Map<string, TreePair>();
  for (const pair of pairs)
    for (const side of [pair.left, pair.right]) for (const alias of side?.entry.aliases ?? []) holders.set(alias, pair);
  return pairs.flatMap((pair) => {
    const holder = holders.get(idOf(pair));
    const isAlone = pair.left === null || pair.right === null;
    return holder === undefined || holder === pair || !isAlone ? [] : [{ pair, holder }];
  });
}

/** Names under which they stay until they are made one with their holders; until then nobody else can have them. */
function aliveNames(stranded: readonly StrandedPair[]): string[] {
  const sides = stranded.flatMap(({ pair: { left, right } }) => [left, right]);
  return sides.flatMap((side) => (side === null || side.entry.deleted ? [] : [side.entry.name]));
}

/** Nothing is to be done about one that is deleted. */
function describeStranded({ pair, holder }: StrandedPair): Stranded[] {
  const side = pair.left === null ? "right" : "left";
  const [mailbox, into] = [pair[side], holder[side]];
  if (mailbox === null || mailbox.entry.deleted || into === null) return [];
  const { mailboxId, name } = mailbox.entry;
  return [{ side, mailboxId, name, into: into.entry.mailboxId }];
}

/** A name that no mailbox has: `name (2)`, `name (3)` and so on. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let n = 2; ; n++) {
    const candidate = withSuffix(name, ` (${n})`);
    if (!taken.has(candidate)) return candidate;
  }
}

/** The name with a suffix, its own end cut off where it would get too long. */
function withSuffix(name: string, suffix: string): string {
  const characters = [...name];
  while (Buffer.byteLength(characters.join("") + suffix) > MAX_NAME_BYTES) characters.pop();
  return characters.join("") + suffix;
}

/**
 * Matches by identity: the same mailboxId, and of the others one side knows the other's as an alias. Never an alias before an
 * id: a node that has both mailboxes that are one elsewhere would have the wrong one matched, and the right one left over.
 */
function matchMailboxes(left: Tree, right: Tree): TreePair[] {
  const byId = new Map<string, TreeMailbox>();
  for (const mailbox of right.mailboxes) for (const alias of mailbox.entry.aliases) byId.set(alias, mailbox);
  for (const mailbox of right.mailboxes) byId.set(mailbox.entry.mailboxId, mailbox);
  const same = new Set(left.mailboxes.map(({ entry }) => entry.mailboxId));
  const free = new Set(right.mailboxes.filter(({ entry }) => !same.has(entry.mailboxId)));
  const pairs: TreePair[] = [];
  for (const mailbox of left.mailboxes) {
    const { mailboxId, aliases } = mailbox.entry;
    const known = [mailboxId, ...aliases].map((id) => byId.get(id));
    const match =
      known.find((one) => one?.entry.mailboxId === mailboxId || (one !== undefined && free.has(one))) ?? null;
    if (match !== null) free.delete(match);
    pairs.push({ left: mailbox, right: match, together: match !== null && isTogether(mailbox, match) });
  }
  for (const mailbox of free) pairs.push({ left: null, right: mailbox, together: false });
  return pairs.toSorted((a, b) => compareText(idOf(a), idOf(b)));
}

function isTogether(left: TreeMailbox, right: TreeMailbox): boolean {
  return isHalfDeleted(left, right) || left.entry.mailboxId !== right.entry.mailboxId || areTwoNumberings(left, right);
}

function isHalfDeleted(left: TreeMailbox | null, right: TreeMailbox | null): boolean {
  return left !== null && right !== null && left.entry.deleted !== right.entry.deleted;
}

/**
 * Whether the UIDs of both sides mean different messages: then a uidValidity may not be raised without the records it
 * numbers, or one (uidValidity, UID) would name two messages (P1). A rename may raise it alone, since the UIDs stay.
 */
function areTwoNumberings(left: TreeMailbox, right: TreeMailbox): boolean {
  if (left.state.uidValidity === right.state.uidValidity || isUnused(left) || isUnused(right)) return false;
  const [lower, higher] = left.state.uidValidity < right.state.uidValidity ? [left, right] : [right, left];
  return !higher.entry.formerNames.some(
    (former) =>
      (former.name === lower.entry.name && former.uidValidity >= lower.state.uidValidity) ||
      lower.entry.formerNames.some((other) => isSameName(former, other)),
  );
}

function isSameName(a: FormerName, b: FormerName): boolean {
  return a.name === b.name && a.uidValidity === b.uidValidity;
}

function isUnused({ entry, state }: TreeMailbox): boolean {
  return entry.deleted || (state.uidNext === 1 && state.highestModseq === 1);
}

function idOf(pair: TreePair): string {
  return (pair.left ?? pair.right)?.entry.mailboxId ?? "";
}

/** By this pairs are ordered, so that both roles write entries in the same order and under the same modseqs (P10). */
function lowerIdOf({ left, right }: TreePair): string {
  const ids = [left, right].flatMap((side) => (side === null ? [] : [side.entry.mailboxId]));
  return ids.sort(compareText)[0] ?? "";
}

/** T05: two mailboxes made under one name, each on one side only and never renamed, are one mailbox. */
function unifyNames(pairs: readonly TreePair[]): TreePair[] {
  const onlyRight = new Map<string, TreePair>();
  for (const pair of pairs)
    if (pair.left === null && pair.right !== null && isOriginal(pair.right)) onlyRight.set(pair.right.entry.name, pair);
  const used = new Set<TreePair>();
  const unified = pairs.map((pair) => {
    if (pair.right !== null || pair.left === null || !isOriginal(pair.left)) return pair;
    const twin = onlyRight.get(pair.left.entry.name);
    if (twin === undefined) return pair;
    used.add(twin);
    return { left: pair.left, right: twin.right, together: true };
  });
  return unified.filter((pair) => !used.has(pair)).sort((a, b) => compareText(lowerIdOf(a), lowerIdOf(b)));
}

function isOriginal({ entry }: TreeMailbox): boolean {
  return !entry.deleted && entry.nameStamp === entry.createdStamp;
}

function plan(pair: TreePair): Planned {
  const { left, right } = pair;
  if (left === null || right === null) {
    const only = (left ?? right) as TreeMailbox;
    const reason = `known to the ${left === null ? "right" : "left"} side only: created on the other with the same identity`;
    return { ...pair, entry: only.entry, uidValidity: only.state.uidValidity, row: "T02", reason };
  }
  const entry = mergeEntries(left, right);
  const uidValidity = Math.max(left.state.uidValidity, right.state.uidValidity);
  return { ...pair, entry, uidValidity, ...rowOfBoth(left.entry, right.entry) };
}

function rowOfBoth(left: MailboxEntry, right: MailboxEntry): { row: TreeRowId; reason: string } {
  if (left.deleted !== right.deleted)
    return { row: "T03", reason: "deleted on one side: its messages decide, those the deleter never saw are kept" };
  if (left.mailboxId !== right.mailboxId)
    return { row: "T05", reason: "made independently on both sides: one mailbox, the other identity becomes an alias" };
  if (left.name !== right.name) return { row: "T07", reason: "renamed: the newest name wins" };
  return { row: "T01", reason: "attributes merged, the newest of each wins" };
}

/**
 * T06: of several mailboxes that would have one name the earliest named keeps it, the others get a numbered suffix. One
 * that was deleted on one side claims no name: if messages keep it alive, it takes a free one then.
 * @param kept names of mailboxes that are not planned for now.
 */
function resolveNames(planned: readonly Planned[], newModseq: number, kept: readonly string[]): void {
  const alive = planned.filter((one) => !one.entry.deleted && !isHalfDeleted(one.left, one.right));
  const taken = new Set(kept);
  const ordered = alive.toSorted(
    (a, b) => a.entry.nameStamp - b.entry.nameStamp || compareText(a.entry.mailboxId, b.entry.mailboxId),
  );
  const losers = ordered.filter((one) => {
    const isTaken = taken.has(one.entry.name);
    taken.add(one.entry.name);
    return isTaken && !one.together;
  });
  for (const one of losers) {
    const name = freeName(one.entry.name, taken);
    taken.add(name);
    one.row = "T06";
    one.reason = `another mailbox was named ${JSON.stringify(one.entry.name)} before it: it gets a free name`;
    const sides = [one.left, one.right].filter((side) => side !== null);
    const formerNames = formerNamesOf(sides, name);
    one.entry = { ...one.entry, name, nameStamp: newModseq, modseq: newModseq, formerNames };
  }
}

/** P4: a mailbox that comes to a name shows a higher uidValidity there than any other mailbox did before it. */
function keepUidValidityGrowing(planned: readonly Planned[]): void {
  const floors = uidValidityFloors(planned.flatMap(({ left, right }) => [left, right].filter((one) => one !== null)));
  for (const one of planned) {
    if (one.entry.deleted || one.together) continue;
    const isNew = [one.left, one.right].some((side) => side?.entry.name !== one.entry.name);
    if (!isNew) continue;
    const floor = floors(one.entry.name, one.entry.mailboxId);
    if (floor >= one.uidValidity) one.uidValidity = floor + 1;
  }
}

interface EntryWrites {
  readonly left: TreeEntryPut | null;
  readonly right: TreeEntryPut | null;
}

function settleEntry(one: Planned, leftModseq: number, rightModseq: number, newModseq: number): EntryWrites {
  const { entry, uidValidity } = one;
  const held = (side: TreeMailbox | null) => (side?.state.uidValidity === uidValidity ? side.entry : null);
  const modseqs = settleEntryModseqs(entry, held(one.left), held(one.right), { leftModseq, rightModseq, newModseq });
  const put = (modseq: number | null) => (modseq === null ? null : { entry: { ...entry, modseq }, uidValidity });
  return { left: put(modseqs.left), right: put(modseqs.right) };
}

/**
 * Under which tree modseq each side writes an entry, null where it has it already. As for records: a side takes the
 * other's with its modseq if that is above its own tree modseq, else both get a new one.
 */
export function settleEntryModseqs(
  wanted: MailboxEntry,
  left: MailboxEntry | null,
  right: MailboxEntry | null,
  given: { readonly leftModseq: number; readonly rightModseq: number; readonly newModseq: number },
): { readonly left: number | null; readonly right: number | null } {
  const fitting = [left, right].flatMap((entry) => (entry !== null && sameEntry(entry, wanted) ? [entry.modseq] : []));
  if (fitting.length === 0) return { left: given.newModseq, right: given.newModseq };
  const modseq = Math.max(...fitting);
  const keeps = (entry: MailboxEntry | null) => entry !== null && entry.modseq === modseq && sameEntry(entry, wanted);
  if (keeps(left) && keeps(right)) return { left: null, right: null };
  const taker = keeps(left) ? given.rightModseq : given.leftModseq;
  if (modseq <= taker) return { left: given.newModseq, right: given.newModseq };
  return keeps(left) ? { left: null, right: modseq } : { left: modseq, right: null };
}

function toDecision({ row, entry, reason }: Planned): TreeDecision {
  return { row, mailboxId: entry.mailboxId, name: entry.name, reason };
}

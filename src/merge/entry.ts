/**
 * How two entries of one mailbox become one: attribute by attribute, the newest wins.
 */
import { compareText } from "../model/flags.ts";
import type { FormerName, MailboxAttribute, MailboxEntry } from "../model/mailbox.ts";
import type { TreeMailbox } from "./tree-plan.ts";

/**
 * The merged entry. Where the identities differ (T05) the mailbox of the higher uidValidity, then of the lower id,
 * stays and the other id becomes an alias. `deleted` is true only if it is on both sides: else the records decide.
 */
export function mergeEntries(left: TreeMailbox, right: TreeMailbox): MailboxEntry {
  const [a, b] = identityOrder(left, right);
  const name = newerName(a.entry, b.entry);
  const ids = [b.entry.mailboxId, ...a.entry.aliases, ...b.entry.aliases].filter((id) => id !== a.entry.mailboxId);
  return {
    mailboxId: a.entry.mailboxId,
    name: name.name,
    nameStamp: name.nameStamp,
    // One that was made twice and never renamed still counts as never renamed: a third node may have made it, too (scenario 35).
    createdStamp: Math.max(a.entry.createdStamp, b.entry.createdStamp),
    modseq: Math.max(a.entry.modseq, b.entry.modseq),
    deleted: a.entry.deleted && b.entry.deleted,
    attributes: mergeAttributes(a.entry.attributes, b.entry.attributes),
    aliases: [...new Set(ids)].sort(compareText),
    formerNames: formerNamesOf([a, b], name.name),
  };
}

/** Equal in everything but the modseq. */
export function sameEntry(a: MailboxEntry, b: MailboxEntry): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

/** Equal in what clients see: not in stamps, and in other names and identities it was ever known under. */
export function looksSame(a: MailboxEntry, b: MailboxEntry): boolean {
  return JSON.stringify(shown(a)) === JSON.stringify(shown(b));
}

function shown({ name, deleted, attributes }: MailboxEntry): unknown[] {
  return [name, deleted, attributes.map(({ key, value }) => [key, value])];
}

function canonical(entry: MailboxEntry): unknown[] {
  const attributes = entry.attributes.map(({ key, value, stamp }) => [key, value, stamp]);
  const formerNames = entry.formerNames.map(({ name, uidValidity }) => [name, uidValidity]);
  const { mailboxId, name, nameStamp, createdStamp, deleted, aliases } = entry;
  return [mailboxId, name, nameStamp, createdStamp, deleted, aliases, attributes, formerNames];
}

/** The side whose identity stays comes first. */
function identityOrder(left: TreeMailbox, right: TreeMailbox): [TreeMailbox, TreeMailbox] {
  const leftKnows = left.entry.aliases.includes(right.entry.mailboxId);
  const rightKnows = right.entry.aliases.includes(left.entry.mailboxId);
  // Each may be an alias of the other where a third node brought one side the other way round.
  if (leftKnows !== rightKnows) return leftKnows ? [left, right] : [right, left];
  const byValidity = right.state.uidValidity - left.state.uidValidity;
  const order = byValidity || compareText(left.entry.mailboxId, right.entry.mailboxId);
  return order <= 0 ? [left, right] : [right, left];
}

function newerName(a: MailboxEntry, b: MailboxEntry): MailboxEntry {
  const order = a.nameStamp - b.nameStamp || compareText(b.name, a.name);
  return order >= 0 ? a : b;
}

function mergeAttributes(a: readonly MailboxAttribute[], b: readonly MailboxAttribute[]): readonly MailboxAttribute[] {
  const byKey = new Map(a.map((attribute) => [attribute.key, attribute]));
  for (const attribute of b) {
    const other = byKey.get(attribute.key);
    if (other === undefined || isNewer(attribute, other)) byKey.set(attribute.key, attribute);
  }
  return [...byKey.values()].sort((x, y) => compareText(x.key, y.key));
}

function isNewer(a: MailboxAttribute, b: MailboxAttribute): boolean {
  return a.stamp !== b.stamp ? a.stamp > b.stamp : a.value > b.value;
}

/** Names any side had, those that `name` takes the place of included, each with the highest uidValidity shown under it. */
export function formerNamesOf(sides: readonly TreeMailbox[], name: string): readonly FormerName[] {
  const byName = new Map<string, number>();
  const add = (former: FormerName) =>
    byName.set(former.name, Math.max(byName.get(former.name) ?? 0, former.uidValidity));
  for (const { entry, state } of sides) {
    for (const former of entry.formerNames) add(former);
    if (entry.name !== name) add({ name: entry.name, uidValidity: state.uidValidity });
  }
  return [...byName]
    .map(([former, uidValidity]) => ({ name: former, uidValidity }))
    .sort((x, y) => compareText(x.name, y.name));
}

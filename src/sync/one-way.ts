/**
 * A one-way sync: what it takes from a plan for both sides, what it refuses, and how it says so.
 */
import type { Own } from "../merge/own.ts";
import type { MergePlan } from "../merge/plan.ts";
import { TandemError } from "../model/errors.ts";
import type { Gathered, SideMailbox } from "./gather.ts";

/** Records named in one message: the first of them show the administrator what it is about. */
const NAMED = 20;

/**
 * What the plan writes on the right side. That makes it like the left one for clients where it has nothing of its own; its
 * modseqs may stay ahead.
 * @param ownOf what the right side has of its own.
 * @throws TandemError `refused` with a list of that.
 */
export function rightHalf(
  left: SideMailbox,
  right: SideMailbox,
  plan: MergePlan,
  ownOf: () => readonly Own[],
): MergePlan {
  if (right.entry.deleted && !left.entry.deleted) throw refused(`TO deleted mailbox ${quoted(right)}, which FROM has`);
  if (plan.left.puts.length === 0 && !plan.left.reset) return plan;
  const own = ownOf();
  if (own.length > 0) throw refusedFor(right, own);
  const written = new Set(plan.right.puts.map(({ uid }) => uid));
  const decisions = plan.decisions.filter(({ uid, newUid }) => written.has(newUid ?? uid));
  return { left: { puts: [], after: left.state, reset: false }, right: plan.right, decisions };
}

/**
 * What was gathered, with the left side's records under the right one's uidValidity. If that is a numbering of its own, the
 * tombstones on the left name UIDs that mean nothing on the right: no message goes because of them (P6).
 */
export function underRight(gathered: Gathered, { cursor }: SideMailbox): Gathered {
  const { left, right } = gathered;
  if (left.state.uidValidity === right.state.uidValidity) return gathered;
  const isOfLeft = cursor?.latest.uidValidity === left.state.uidValidity;
  const pairs = gathered.pairs.map((pair) => (isOfLeft || !pair.left?.expunged ? pair : { ...pair, left: null }));
  const state = { ...left.state, uidValidity: right.state.uidValidity };
  return { ...gathered, left: { ...left, state }, pairs };
}

function refusedFor(right: SideMailbox, own: readonly Own[]): TandemError {
  const more = own.length > NAMED ? ` and ${own.length - NAMED} more` : "";
  const list = `${own.slice(0, NAMED).map(describeOwn).join(", ")}${more}`;
  return refused(`TO has something of its own in mailbox ${quoted(right)} that FROM lacks: ${list}`);
}

function refused(what: string): TandemError {
  const hint = "sync without --one-way to keep it on both, or with --mirror to make TO exactly FROM";
  return new TandemError("refused", `${what}; ${hint}.`);
}

function quoted({ entry }: SideMailbox): string {
  return JSON.stringify(entry.name);
}

/** One thing in a few words; a message by its UID and flags alone. */
function describeOwn(own: Own): string {
  const details = detailsOf(own);
  return `UID ${own.uid}${details === "" ? "" : ` (${details})`}`;
}

function detailsOf(own: Own): string {
  switch (own.kind) {
    case "message":
      return own.flags.join(" ");
    case "expunged":
      return "expunged";
    case "taken":
      return "used up, another message at FROM";
    case "elsewhere":
      return `UID ${own.leftUid} at FROM`;
    default: {
      const set = own.set.map((flag) => `${flag} set`);
      const cleared = own.cleared.map((flag) => `${flag} cleared`);
      return [...set, ...cleared, ...(own.dated ? ["earlier internal date"] : [])].join(", ");
    }
  }
}

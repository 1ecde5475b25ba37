/**
 * What a one-way sync refuses, and how it says so.
 */
import type { MergePlan } from "../merge/plan.ts";
import { TandemError } from "../model/errors.ts";
import type { SideMailbox } from "./gather.ts";
import { describeRecord } from "./report.ts";

/** Records named in one message: the first of them show the administrator what it is about. */
const NAMED = 20;

/** @throws TandemError `refused` with a list of what the right side has of its own. */
export function refuseOneWay(left: SideMailbox, right: SideMailbox, plan: MergePlan): never {
  const named = plan.left.puts.slice(0, NAMED).map(describeRecord);
  const more = plan.left.puts.length > NAMED ? ` and ${plan.left.puts.length - NAMED} more` : "";
  const list = named.length > 0 ? `: ${named.join(", ")}${more}` : describeDifference(left, right);
  const what = `TO has something of its own in mailbox ${JSON.stringify(right.entry.name)} that FROM lacks${list}`;
  const hint = "sync without --one-way to keep it on both, or with --mirror to make TO exactly FROM";
  throw new TandemError("refused", `${what}; ${hint}.`);
}

function describeDifference(left: SideMailbox, right: SideMailbox): string {
  if (left.state.uidValidity !== right.state.uidValidity)
    return ` (uidValidity ${right.state.uidValidity}, FROM has ${left.state.uidValidity})`;
  return left.entry.deleted === right.entry.deleted ? "" : " (it is deleted on one side only)";
}

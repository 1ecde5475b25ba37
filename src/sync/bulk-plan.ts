/**
 * Plans one mailbox among many that both sides changed a little, with the right side's changes at hand.
 */
import { baseOf, deltaAllowed } from "../merge/base.ts";
import { planMerge } from "../merge/merge.ts";
import { deltaSuffices } from "../merge/suffices.ts";
import { batchOf } from "../model/decode-batch.ts";
import { isTandemError } from "../model/errors.ts";
import { sameAgreed } from "../model/state.ts";
import { packRecords } from "../store/shared/blocks.ts";
import { gatherWith, pullOf } from "./gather.ts";
import type { LocalPeer } from "./local-peer.ts";
import { leadsToSame } from "./mailbox-change.ts";
import { liveGuids, newTo, type PlannedMerge } from "./planned-merge.ts";
import type { Met } from "./push-outcome.ts";

/**
 * @param absent messages that cannot be had.
 * @returns null for a mailbox that takes more than two small deltas, an absent message, or a look at the brake, and for one
 * that cannot be read: whoever takes it by itself is told why.
 */
export async function planMet(
  peer: LocalPeer,
  index: number,
  met: Met,
  absent: ReadonlySet<string>,
): Promise<PlannedMerge | null> {
  try {
    return await tryPlan(peer, index, met, absent);
  } catch (error) {
    if (isTandemError(error)) return null;
    throw error;
  }
}

async function tryPlan(
  peer: LocalPeer,
  index: number,
  { left, right }: Met,
  absent: ReadonlySet<string>,
): Promise<PlannedMerge | null> {
  const base = baseOf(left.cursor, right.cursor, [left.state, right.state]);
  if (base === null || right.changes === null || !sameAgreed(right.cursor?.latest ?? null, base)) return null;
  if (left.entry.deleted || base.entryModseq !== left.entry.modseq) return null;
  const theirs = pullOf(right, right.changes.map(batchOf));
  const gathered = await gatherWith(peer, { ...left, exists: true }, theirs, base);
  const states = [gathered.left.state, right.state] as const;
  if (gathered.left.entry.modseq !== left.entry.modseq || !deltaAllowed(base, states)) return null;
  const { pairs } = gathered;
  if (!deltaSuffices({ pairs, base })) return null;
  const plan = planMerge({ left: states[0], right: states[1], base, delta: true, pairs });
  // M08 is a matter for the brake.
  if (!leadsToSame(plan) || plan.decisions.some(({ row }) => row === "M08")) return null;
  if (liveGuids(plan.left.puts).some((guid) => absent.has(guid))) return null;
  const isNumbered = plan.decisions.some(({ newUid }) => newUid !== undefined);
  return {
    index,
    met: { left: { ...left, state: states[0] }, right },
    plan,
    base: isNumbered ? base : null,
    batches: [...packRecords(plan.right.puts)].map(({ bytes }) => bytes),
    fresh: newTo(right, plan.right.puts),
  };
}

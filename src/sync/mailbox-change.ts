/**
 * The parts of writing one mailbox on two sides that need no memory: heads, order, and what is said of a lost message.
 */
import type { MergePlan } from "../merge/plan.ts";
import { TandemError } from "../model/errors.ts";
import { type Cursor, type MailboxState, sameDigest } from "../model/state.ts";
import type { SideMailbox } from "./gather.ts";
import type { ChangeHead } from "./peer.ts";
import { allEnded } from "./pool.ts";

/** The head of a change of a side, planned on what is known of it. */
export function headOf(side: SideMailbox, after: MailboxState, cursor: Cursor | null): ChangeHead {
  const { uidValidity, uidNext, highestModseq, purgedModseq, digest } = after;
  return {
    account: side.account,
    mailboxId: side.entry.mailboxId,
    before: side.state,
    after: { uidValidity, uidNext, highestModseq, purgedModseq, digest },
    reset: false,
    overrule: false,
    entry: null,
    cursor,
  };
}

/** Whether both sides would have the same live records. If not, they differ in records that the plan knows nothing of. */
export function leadsToSame({ left, right }: MergePlan): boolean {
  return sameDigest(left.after.digest, right.after.digest);
}

/** Work that is done once, when it is first asked for. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= work();
    return running;
  };
}

/**
 * Writes both sides at the same time; `left` waits for `right` before it commits.
 *
 * Except where a message already skipped on one side is renumbered: then the right side is not begun before the left one
 * has all bytes it needs. Else a message that cannot be read would be renumbered there in every exchange, and never
 * arrive (scenario 22).
 */
export async function writeBoth(
  plan: MergePlan,
  left: () => Promise<boolean>,
  right: () => Promise<boolean>,
): Promise<boolean> {
  const isCareful = plan.decisions.some(({ row, newUid }) => row === "M09" && newUid !== undefined);
  if (isCareful) return (await left()) && (await right());
  const [isRight, isLeft] = await allEnded([right(), left()]);
  return isRight && isLeft;
}

export function unreadableError(guid: string): TandemError {
  const what = `The bytes of message ${guid} cannot be read on the side that has it`;
  return new TandemError("body-unreadable", `${what}; the rest of the mailbox is done. Restore it, then sync again.`);
}

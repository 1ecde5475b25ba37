/**
 * Doing an operation anew when somebody else was faster (compare-and-set instead of locks).
 */
import { TandemError } from "../model/errors.ts";

/** Each conflict means that somebody else's change went through; so many in a row mean a fault. */
const MOST_ATTEMPTS = 1000;

/**
 * Repeats `attempt`, which reads, plans and applies, until it is not a "conflict".
 * @throws TandemError `conflict` if it never is.
 */
export async function untilApplied<T>(attempt: () => Promise<T | "conflict">): Promise<T> {
  for (let i = 0; i < MOST_ATTEMPTS; i++) {
    const result = await attempt();
    if (result !== "conflict") return result;
  }
  throw new TandemError(
    "conflict",
    `Others changed the same mailbox ${MOST_ATTEMPTS} times in a row; try again later.`,
  );
}

/** `tandem verify`: are two locations identical? */
import { checkedName } from "../../model/mailbox.ts";
import { compareSides, type Difference } from "../../sync/compare.ts";
import { openSides } from "../location.ts";
import type { VerifyOptions } from "../options.ts";
import { printable, withOutput } from "../output.ts";
import { openProgress } from "../progress.ts";
import { FAILED, OK } from "../run.ts";

/** @returns the exit status: 0 equal, 1 different. @throws TandemError if it could not be told. */
export async function runVerify(a: string, b: string, options: VerifyOptions): Promise<number> {
  const sides = await openSides(a, b, { createTo: false });
  const progress = await openProgress("mailboxes");
  try {
    const comparison = await compareSides(sides.left, sides.right, {
      account: options.account === undefined ? null : checkedName(options.account, "account"),
      deep: options.deep === true,
      onMailbox: () => progress.tick(1),
    });
    progress.stop();
    const isEqual = comparison.differences.length === 0;
    await withOutput(async (out) => {
      for (const difference of comparison.differences)
        await out.line(options.json ? JSON.stringify({ kind: "difference", ...difference }) : describe(difference));
      const { mailboxes, messages } = comparison;
      if (options.json)
        await out.json({ equal: isEqual, mailboxes, messages, differences: comparison.differences.length });
      else if (isEqual) await out.line(`equal: ${mailboxes} mailboxes, ${messages} messages`);
      else await out.line(`different: ${comparison.differences.length} differences in ${mailboxes} mailboxes`);
    });
    return isEqual ? OK : FAILED;
  } finally {
    progress.stop();
    await sides.close();
  }
}

function describe({ account, mailbox, what }: Difference): string {
  return `${printable(account)}/${printable(mailbox)}: ${what}`;
}

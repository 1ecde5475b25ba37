/** `tandem diff`: in what do two locations differ? */
import { counted, countMailboxes } from "../../model/counted.ts";
import { diffSides, type MailboxDiff } from "../../sync/diff.ts";
import type { FieldDifference } from "../../sync/differences.ts";
import { chosenBy, needChosen } from "../chosen.ts";
import { openSides } from "../location.ts";
import type { DiffOptions } from "../options.ts";
import { type Output, printable, withOutput } from "../output.ts";
import { FAILED, OK } from "../run.ts";

/** What was printed. */
interface Counted {
  mailboxes: number;
  differences: number;
  visible: number;
}

/** @returns the exit status: 0 the same, 1 different. @throws TandemError if it could not be told. */
export async function runDiff(a: string, b: string, options: DiffOptions): Promise<number> {
  const chosen = chosenBy(options);
  const sides = await openSides(a, b, { missingTo: "refused", trust: options });
  try {
    await needChosen(sides, chosen);
    return await withOutput(async (out) => {
      const found = diffSides(sides.left, sides.right, chosen);
      const sum: Counted = { mailboxes: 0, differences: 0, visible: 0 };
      for (;;) {
        const next = await found.next();
        if (next.done === true) return await printSummary(out, sum, next.value.mailboxes, options);
        await printMailbox(out, next.value, sum, options);
      }
    });
  } finally {
    await sides.close();
  }
}

async function printMailbox(out: Output, diff: MailboxDiff, sum: Counted, { json }: DiffOptions): Promise<void> {
  const { account, mailbox } = diff;
  sum.mailboxes++;
  if (!json) await out.line(`${printable(account)}/${printable(mailbox)}`);
  const all = [{ uid: null, fields: diff.fields }, ...diff.records];
  for (const { uid, fields } of all) {
    sum.differences += fields.length;
    sum.visible += fields.filter(({ visible }) => visible).length;
    if (json) for (const field of fields) await out.json({ kind: "difference", account, mailbox, uid, ...field });
    else if (fields.length > 0) await out.line(describe(uid, fields));
  }
}

/** The fields of one UID, or of the mailbox itself, on one line. */
function describe(uid: number | null, fields: readonly FieldDifference[]): string {
  const shown = (value: FieldDifference["a"]) => (value === null ? "none" : value === "" ? "-" : printable(`${value}`));
  const list = fields.map(({ field, a, b }) => `${printable(field)} ${shown(a)} | ${shown(b)}`).join("; ");
  const hidden = fields.some(({ visible }) => visible) ? "" : " (clients do not see it)";
  return `  ${uid === null ? "" : `UID ${uid}: `}${list}${hidden}`;
}

async function printSummary(out: Output, found: Counted, mailboxes: number, options: DiffOptions): Promise<number> {
  const { differences, visible } = found;
  const isSame = found.mailboxes === 0;
  if (options.json) await out.json({ same: isSame, mailboxes, differing: found.mailboxes, differences, visible });
  else if (isSame) await out.line(`the same: ${countMailboxes(mailboxes)}`);
  else {
    const what = `${counted(differences, "difference")} in ${found.mailboxes} of ${countMailboxes(mailboxes)}`;
    await out.line(`different: ${what}, ${visible} of them seen by clients`);
  }
  return isSame ? OK : FAILED;
}

/** `tandem verify`: are two locations identical, and sound? */
import { counted, countMailboxes } from "../../model/counted.ts";
import type { MailboxStore } from "../../store/store.ts";
import { type Comparison, compareSides, type Difference } from "../../sync/compare.ts";
import type { LocalFault } from "../../sync/local-faults.ts";
import { mendStore, type Repair } from "../../sync/mend-store.ts";
import { chosenBy, needChosen } from "../chosen.ts";
import { type OpenSides, openSides } from "../location.ts";
import type { VerifyOptions } from "../options.ts";
import { type Output, printable, withOutput } from "../output.ts";
import { openProgress } from "../progress.ts";
import { FAILED, OK } from "../run.ts";

/** @returns the exit status: 0 equal, 1 different. @throws TandemError if it could not be told. */
export async function runVerify(a: string, b: string, options: VerifyOptions): Promise<number> {
  const repairs: Repair[] = [];
  const onFault = ({ account, message }: LocalFault) => repairs.push({ account, mailbox: "", what: message });
  const chosen = chosenBy(options);
  const { account } = chosen;
  const sides = await openSides(a, b, { missingTo: "refused", trust: options, onFault });
  const progress = await openProgress("mailboxes");
  try {
    await needChosen(sides, chosen);
    if (options.repair === true) repairs.push(...(await mendSides(sides, account)));
    const deep = options.deep === true;
    const comparison = await compareSides(sides.left, sides.right, {
      account,
      deep,
      onMailbox: () => progress.tick(1),
    });
    const faults = deep ? await faultsOf(sides) : [];
    progress.stop();
    await withOutput((out) => print(out, options.json === true, repairs, comparison, faults));
    return comparison.differences.length + faults.length === 0 ? OK : FAILED;
  } finally {
    progress.stop();
    await sides.close();
  }
}

/** Repairs each side that is in this process from the other. */
async function mendSides({ left, right, stores }: OpenSides, account: string | null): Promise<Repair[]> {
  const repairs: Repair[] = [];
  const onRepair = (repair: Repair) => repairs.push(repair);
  if (stores.left !== null) await mendStore(stores.left, right, { account, onRepair });
  if (stores.right !== null) await mendStore(stores.right, left, { account, onRepair });
  return repairs;
}

/** Damage in what is neither record nor message, of the sides in this process; no account and mailbox is named. */
async function faultsOf({ stores }: OpenSides): Promise<Difference[]> {
  const told = async (store: MailboxStore | null, side: string) =>
    ((await store?.check()) ?? []).map((what) => ({ account: "", mailbox: "", what: `in ${side}: ${what}` }));
  return [...(await told(stores.left, "A")), ...(await told(stores.right, "B"))];
}

async function print(
  out: Output,
  json: boolean,
  repairs: readonly Repair[],
  { mailboxes, messages, differences }: Comparison,
  faults: readonly Difference[],
): Promise<void> {
  for (const repair of repairs)
    await out.line(json ? JSON.stringify({ kind: "repair", ...repair }) : `repaired: ${describe(repair)}`);
  const all = [...differences, ...faults];
  for (const difference of all)
    await out.line(json ? JSON.stringify({ kind: "difference", ...difference }) : describe(difference));
  if (json) await out.json({ equal: all.length === 0, mailboxes, messages, differences: all.length });
  else if (all.length === 0) await out.line(`equal: ${countMailboxes(mailboxes)}, ${counted(messages, "message")}`);
  else await out.line(`different: ${counted(all.length, "difference")} in ${countMailboxes(mailboxes)}`);
}

function describe({ account, mailbox, what }: Difference): string {
  return account === "" ? printable(what) : `${printable(account)}/${printable(mailbox)}: ${printable(what)}`;
}

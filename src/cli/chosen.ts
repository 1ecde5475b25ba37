/**
 * The account and the mailbox that a command about two locations is asked for: one of the locations has to have them, since a
 * name that is mistyped would be found to be the same on both.
 */
import { TandemError } from "../model/errors.ts";
import { checkedName } from "../model/mailbox.ts";
import type { Peer } from "../sync/peer.ts";
import type { OpenSides } from "./location.ts";
import type { SelectOptions } from "./options.ts";

/** Null: all. */
export interface Chosen {
  readonly account: string | null;
  readonly mailbox: string | null;
}

/** @throws TandemError `invalid-argument` if a name can be none. */
export function chosenBy({ account, mailbox }: SelectOptions): Chosen {
  return {
    account: account === undefined ? null : checkedName(account, "account"),
    mailbox: mailbox === undefined ? null : checkedName(mailbox),
  };
}

/** @throws TandemError `not-found` if neither side has what was chosen; a mailbox that was deleted there counts. */
export async function needChosen({ left, right, stores }: OpenSides, chosen: Chosen): Promise<void> {
  if (chosen.account === null && chosen.mailbox === null) return;
  // A node is only asked for what is not here.
  const sides = stores.left === null && stores.right !== null ? [right, left] : [left, right];
  let hasAccount = false;
  for (const side of sides) {
    const found = await findIn(side, chosen);
    if (found === "all") return;
    hasAccount ||= found === "account";
  }
  const { account, mailbox } = chosen;
  const missing =
    mailbox === null || (account !== null && !hasAccount)
      ? `an account ${JSON.stringify(account)}`
      : `a mailbox ${JSON.stringify(mailbox)}${account === null ? "" : ` in the account ${JSON.stringify(account)}`}`;
  throw new TandemError("not-found", `Neither side has ${missing}; "tandem ls" lists what a store has.`);
}

async function findIn(side: Peer, { account, mailbox }: Chosen): Promise<"all" | "account" | "nothing"> {
  const question = { account, mailboxId: null, base: null, complete: true, inlineBytes: 0 };
  const { trees, mailboxes } = await side.survey(question);
  // An account that was asked for by name is always told of; one that is not there has never changed.
  if (!trees.some(({ modseq }) => modseq > 0)) return "nothing";
  return mailbox === null || mailboxes.some(({ entry }) => entry.name === mailbox) ? "all" : "account";
}

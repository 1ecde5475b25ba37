/**
 * Both trees of an account, as the two sides tell of them.
 */
import type { Peer, Survey, SurveyedMailbox } from "./peer.ts";

/** The sides of an exchange. */
export interface Sides {
  readonly left: Peer;
  readonly right: Peer;
}

/** Both trees of an account, every mailbox of it included. */
export interface AccountTrees {
  readonly left: SurveyedTree;
  readonly right: SurveyedTree;
}

export interface SurveyedTree {
  readonly modseq: number;
  readonly mailboxes: readonly SurveyedMailbox[];
}

/** Both trees of an account as they are now. */
export async function surveyTrees(peers: Sides, account: string): Promise<AccountTrees> {
  const { left, right } = await surveyAccount(peers, account);
  return { left: treeIn(left, account), right: treeIn(right, account) };
}

/** What both sides have of an account; the right one need not tell what is the same. */
export async function surveyAccount(peers: Sides, account: string): Promise<{ left: Survey; right: Survey }> {
  const question = { account, mailboxId: null, base: null, complete: true, inlineBytes: 0 };
  const left = await peers.left.survey(question);
  return { left, right: await peers.right.survey({ ...question, known: left }) };
}

/** The tree of an account, of which a survey tells everything. */
export function treeIn({ trees, mailboxes }: Survey, account: string): SurveyedTree {
  const modseq = trees.find((tree) => tree.account === account)?.modseq ?? 0;
  return { modseq, mailboxes: mailboxes.filter((one) => one.account === account) };
}

/** Live messages of an account on the side that has more. */
export async function countMessages(peers: Sides, account: string): Promise<number> {
  const { left, right } = await surveyTrees(peers, account);
  const sum = (tree: SurveyedTree) => tree.mailboxes.reduce((total, { state }) => total + state.digest.count, 0);
  return Math.max(sum(left), sum(right));
}

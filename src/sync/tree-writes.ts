/**
 * Writes what was planned for two trees: one change of each, or several where a frame does not hold them all.
 */
import { FRAME_FILL_BYTES } from "../../protocol/limits.ts";
import type { TreeEntryPut, TreePlan } from "../merge/tree-plan.ts";
import type { AccountTrees, SurveyedTree } from "./account-trees.ts";
import type { SyncContext } from "./mailbox-exchange.ts";
import { entryBytes } from "./survey-frames.ts";

/** Writes the right side's tree, then the left one's; false if either was changed meanwhile. */
export async function writeTrees(
  context: SyncContext,
  account: string,
  trees: AccountTrees,
  plan: Pick<TreePlan, "left" | "right" | "modseq">,
): Promise<boolean> {
  let modseq = plan.modseq;
  for (const name of ["right", "left"] as const) {
    if (name === "left" && context.options.direction !== "both") continue;
    const written = await writeTree(context, account, name, trees[name], plan[name], modseq);
    if (written === null) return false;
    modseq = Math.max(modseq, written);
  }
  return true;
}

/** The tree modseq afterwards, or null if the tree was changed meanwhile. */
async function writeTree(
  { peers, options }: SyncContext,
  account: string,
  name: "left" | "right",
  tree: SurveyedTree,
  puts: readonly TreeEntryPut[],
  modseq: number,
): Promise<number | null> {
  let before = tree.modseq;
  const all = [...changesOf(puts, tree)];
  if (all.length === 0 && before < modseq && options.mailbox === null) all.push([]);
  for (const some of all) {
    const highest = some.reduce((most, { entry }) => Math.max(most, entry.modseq), Math.max(before, modseq));
    const after = some.length > 0 && highest === before ? before + 1 : highest;
    if ((await peers[name].tree({ account, before, after, puts: some })) === "conflict") return null;
    before = after;
  }
  return before;
}

/**
 * All puts as one change if they fit. Else new mailboxes under names that nobody has go first, as many at a time as fit;
 * what changes names that are there stays together, so that they may be swapped.
 */
function* changesOf(puts: readonly TreeEntryPut[], tree: SurveyedTree): Generator<readonly TreeEntryPut[]> {
  if (puts.length === 0) return;
  if (sizeOf(puts) <= FRAME_FILL_BYTES) return yield puts;
  const ids = new Set(tree.mailboxes.map(({ entry }) => entry.mailboxId));
  const names = new Set(tree.mailboxes.map(({ entry }) => entry.name));
  const isFree = ({ entry }: TreeEntryPut) => !ids.has(entry.mailboxId) && !names.has(entry.name);
  let open: TreeEntryPut[] = [];
  let bytes = 0;
  for (const put of puts.filter(isFree)) {
    const size = entryBytes(put.entry);
    if (open.length > 0 && bytes + size > FRAME_FILL_BYTES) {
      yield open;
      open = [];
      bytes = 0;
    }
    open.push(put);
    bytes += size;
  }
  if (open.length > 0) yield open;
  const others = puts.filter((put) => !isFree(put));
  if (others.length > 0) yield others;
}

function sizeOf(puts: readonly TreeEntryPut[]): number {
  return puts.reduce((sum, { entry }) => sum + entryBytes(entry), 0);
}

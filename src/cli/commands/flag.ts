/** `tandem flag`: sets and clears flags. */
import { TandemError } from "../../model/errors.ts";
import { parseFlags } from "../../model/flags.ts";
import { parseUidSet, storeFlags } from "../../operations/index.ts";
import { flagNamed } from "../flag-names.ts";
import type { AccountOptions } from "../options.ts";
import { printChanged } from "../output.ts";
import { OK } from "../run.ts";
import { existingMailbox, withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError. */
export function runFlag(
  directory: string,
  mailbox: string,
  uidSet: string,
  changes: readonly string[],
  options: AccountOptions,
): Promise<number> {
  const uids = parseUidSet(uidSet);
  const { add, remove } = parseChanges(changes);
  return withStore(directory, {}, async (store) => {
    const { entry } = await existingMailbox(store, options.account, mailbox);
    const { changed } = await storeFlags(store, options.account, entry.name, uids, { add, remove });
    await printChanged("changed", changed, options.json);
    return OK;
  });
}

interface FlagChanges {
  readonly add: string[];
  readonly remove: string[];
}

/** `+F` and `-F` as lists of flags to set and to clear. @throws TandemError `invalid-argument`. */
function parseChanges(changes: readonly string[]): FlagChanges {
  const parsed: FlagChanges = { add: [], remove: [] };
  for (const change of changes) {
    if (!/^[+-][^-]/.test(change))
      throw new TandemError(
        "invalid-argument",
        `${JSON.stringify(change)} is neither +FLAG nor -FLAG nor an option of this command; see tandem flag --help.`,
      );
    (change.startsWith("+") ? parsed.add : parsed.remove).push(flagNamed(change.slice(1)));
  }
  const cleared = new Set(parsed.remove.map((flag) => flag.toLowerCase()));
  const both = parsed.add.find((flag) => cleared.has(flag.toLowerCase()));
  if (both !== undefined)
    throw new TandemError("invalid-argument", `The flag ${both} is both set and cleared; give it once.`);
  parseFlags([...parsed.add, ...parsed.remove]);
  return parsed;
}

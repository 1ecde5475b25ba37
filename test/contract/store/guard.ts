/**
 * Store contract: what no change may do, whoever asks for it.
 */
import { describe, expect, test } from "vitest";
import { type IndexRecord, tombstoneOf } from "../../../src/model/record.ts";
import type { MailboxState } from "../../../src/model/state.ts";
import {
  changeOf,
  codeOf,
  getMailbox,
  live,
  makeMailbox,
  put,
  recordsOf,
  type StoreFactory,
  stageFor,
  withStore,
} from "./fixtures.ts";

/** A change that breaks a promise on a mailbox with live UIDs 1 and 2, UID 3 expunged, uidNext 10, highestModseq 5. */
interface Wrong {
  readonly name: string;
  readonly puts: readonly IndexRecord[];
  readonly after?: Partial<MailboxState>;
  readonly reset?: boolean;
  /** Allowed with `overrule`. */
  readonly overrulable: boolean;
}

const WRONG: readonly Wrong[] = [
  { name: "P1: another message under a UID", puts: [live(1, 6, { n: 77 })], overrulable: true },
  { name: "P1: another size under a UID", puts: [live(1, 6, { size: 1 })], overrulable: true },
  { name: "P2: an expunged UID comes back", puts: [live(3, 6)], overrulable: true },
  {
    name: "P2: a tombstone below the purge",
    puts: [tombstoneOf(live(1, 6), 6)],
    after: { purgedModseq: 6 },
    overrulable: false,
  },
  { name: "P3: a new UID below uidNext", puts: [live(7, 6)], overrulable: true },
  { name: "P3: a UID that is not below uidNext", puts: [live(12, 6)], after: { uidNext: 12 }, overrulable: false },
  { name: "P4: uidNext falls", puts: [], after: { uidNext: 9 }, overrulable: false },
  { name: "P4: uidValidity falls", puts: [], after: { uidValidity: 99 }, overrulable: false },
  { name: "P4: highestModseq falls", puts: [], after: { highestModseq: 4 }, overrulable: false },
  { name: "P4: purgedModseq falls", puts: [], after: { purgedModseq: 0 }, overrulable: false },
  { name: "P4: a reset under the same uidValidity", puts: [], reset: true, overrulable: true },
  { name: "P5: a change under an announced modseq", puts: [live(1, 5, { systemFlags: 1 })], overrulable: true },
  { name: "P5: a modseq above highestModseq", puts: [live(1, 7)], after: { highestModseq: 6 }, overrulable: false },
];

export function guardContract(factory: StoreFactory): void {
  describe("guard", () => {
    test.each(WRONG)("$name is refused", ({ puts, after, reset, overrulable }) =>
      withStore(factory, async (store) => {
        await makeMailbox(store);
        await put(store, [live(1, 4), live(2, 4), live(3, 4)]);
        await put(store, [tombstoneOf(live(3, 4), 5)], { after: { uidNext: 10, purgedModseq: 1 } });
        await stageFor(store, puts);
        const before = await getMailbox(store);
        const change = await changeOf(store, puts, {
          ...(after === undefined ? {} : { after }),
          ...(reset === undefined ? {} : { reset }),
        });
        expect(await codeOf(() => store.apply(change))).toBe("invalid-change");
        expect(await getMailbox(store)).toEqual(before);
        expect(await recordsOf(store)).toHaveLength(3);
        const overruled = await codeOf(() => store.apply({ ...change, overrule: true }));
        expect(overruled).toBe(overrulable ? "no error" : "invalid-change");
      }),
    );
  });
}

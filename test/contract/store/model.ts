/**
 * Store contract: any series of changes beside a naive model of a mailbox, a map from UID to record.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type IndexRecord, tombstoneOf } from "../../../src/model/record.ts";
import { digestOfRecords, digestsOfRecords } from "../../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import { ACCOUNT, getMailbox, live, makeMailbox, put, recordsOf, type StoreFactory, withStore } from "./fixtures.ts";

type Step =
  | { readonly kind: "append"; readonly gaps: readonly number[] }
  | { readonly kind: "flag" | "expunge" | "move"; readonly picks: readonly number[] }
  | { readonly kind: "purge"; readonly back: number }
  | { readonly kind: "reset"; readonly count: number };

const picks = fc.array(fc.nat(300), { minLength: 1, maxLength: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("append" as const), gaps: fc.array(fc.nat(40), { minLength: 1, maxLength: 40 }) }),
  fc.record({ kind: fc.constantFrom("flag" as const, "expunge" as const, "move" as const), picks }),
  fc.record({ kind: fc.constant("purge" as const), back: fc.nat(3) }),
  fc.record({ kind: fc.constant("reset" as const), count: fc.nat(100) }),
);

export function modelContract(factory: StoreFactory): void {
  describe("model", () => {
    test("P1-P5, section 4: any series of changes gives what a naive model gives", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(400), fc.nat(400), (steps, a, b) =>
          withStore(factory, async (store) => {
            await makeMailbox(store);
            const model = new Map<number, IndexRecord>();
            for (const one of steps) await perform(store, model, one);
            await compare(store, model, a, b);
          }),
        ),
        { numRuns: 60 },
      );
    });
  });
}

async function perform(store: MailboxStore, model: Map<number, IndexRecord>, step: Step): Promise<void> {
  const { state } = await getMailbox(store);
  const modseq = state.highestModseq + 1;
  if (step.kind === "purge") {
    const purgedModseq = Math.max(state.purgedModseq, state.highestModseq - step.back);
    await put(store, [], { after: { purgedModseq } });
    for (const [uid, record] of model) if (record.expunged && record.modseq <= purgedModseq) model.delete(uid);
  } else if (step.kind === "reset") {
    const records = Array.from({ length: step.count }, (_, i) => live(i + 1, modseq, { n: i % 50 }));
    const after = { uidValidity: state.uidValidity + 1, uidNext: step.count + 1, highestModseq: modseq };
    await put(store, records, { reset: true, after });
    model.clear();
    for (const record of records) model.set(record.uid, record);
  } else {
    const puts =
      step.kind === "append" ? appended(state.uidNext, modseq, step.gaps) : changed(model, step, state.uidNext, modseq);
    await put(store, puts, { after: { highestModseq: modseq } });
    for (const record of puts) model.set(record.uid, record);
  }
}

function appended(uidNext: number, modseq: number, gaps: readonly number[]): IndexRecord[] {
  let uid = uidNext - 1;
  return gaps.map((gap) => {
    uid += 1 + gap;
    return live(uid, modseq, { n: uid % 50 });
  });
}

/** "move" renumbers: the old UID becomes a moved tombstone, the message is appended. */
function changed(
  model: ReadonlyMap<number, IndexRecord>,
  step: { readonly kind: "flag" | "expunge" | "move"; readonly picks: readonly number[] },
  uidNext: number,
  modseq: number,
): IndexRecord[] {
  const present = [...model.values()].filter((record) => !record.expunged);
  const picked = new Set(step.picks.flatMap((pick) => present[pick % (present.length || 1)] ?? []));
  let next = uidNext;
  const puts = [...picked].flatMap((record): IndexRecord[] => {
    if (step.kind === "expunge") return [tombstoneOf(record, modseq)];
    if (step.kind === "flag") return [{ ...record, modseq, systemFlags: record.systemFlags ^ 1 }];
    const moved = {
      ...record,
      uid: next++,
      modseq,
      createdModseq: modseq,
      formerUids: [...record.formerUids, record.uid],
    };
    return [{ expunged: true, uid: record.uid, modseq, graves: [] }, moved];
  });
  return puts.sort((a, b) => a.uid - b.uid);
}

/** What `ranges` has to say of the ranges from that of UID `a` to that of UID `b`. */
function rangesOf(all: readonly IndexRecord[], bits: number, a: number, b: number) {
  const nos = [...new Set(all.map(({ uid }) => uid >>> bits))].filter((no) => no >= a >>> bits && no <= b >>> bits);
  return nos.map((no) => ({ no, ...digestsOfRecords(all.filter(({ uid }) => uid >>> bits === no)) }));
}

async function compare(store: MailboxStore, model: Map<number, IndexRecord>, a: number, b: number): Promise<void> {
  const all = [...model.values()].sort((x, y) => x.uid - y.uid);
  const { state } = await getMailbox(store);
  expect(await recordsOf(store)).toEqual(all);
  expect(state.digest).toEqual(digestOfRecords(all));
  const since = a % (state.highestModseq + 1);
  expect(await recordsOf(store, "box", { sinceModseq: since })).toEqual(all.filter(({ modseq }) => modseq > since));
  const inRange = all.filter(({ uid }) => uid >= a && uid <= b);
  expect(await recordsOf(store, "box", { fromUid: a, toUid: b })).toEqual(inRange);
  const snapshot = await store.snapshot(ACCOUNT, "box");
  expect(await snapshot.digest(a, b)).toEqual(digestOfRecords(inRange));
  for (const bits of [0, 3, 6, 10])
    expect(await snapshot.ranges(bits, a >>> bits, b >>> bits)).toEqual(rangesOf(all, bits, a, b));
  expect(snapshot.tombstones).toEqual(digestsOfRecords(all).tombstones);
  await snapshot.close();
  const counts = new Map<string, number>();
  for (const record of all) if (!record.expunged) counts.set(record.guid, (counts.get(record.guid) ?? 0) + 1);
  expect(await store.bodyReferences([...counts.keys()])).toEqual([...counts.values()]);
}

/**
 * What the right side has of its own: messages, flags, expunges and UIDs that would be lost if it became like the left one.
 *
 * By this an administrator decides on `--mirror`. It is what clients of the left side would see change in a merge: what the
 * right side did is no longer its own where the left one did the same, or something newer.
 */
import { flagNames, namesMissing } from "../model/flags.ts";
import type { LiveRecord } from "../model/record.ts";
import { mergeLive } from "./combine.ts";
import { type Decided, decideSlots, type Loose } from "./decide.ts";
import type { MergeInput } from "./plan.ts";
import { type Reunion, reunite } from "./reunite.ts";

/**
 * One thing under one UID of the right side. `message`: the left side lacks it. `expunged`: the left side has it. `changed`:
 * flags set and cleared there, or an earlier internal date. `elsewhere`: the left side has the message under `leftUid`.
 * `taken`: the left side has another message under this UID.
 */
export type Own = { readonly uid: number } & (
  | { readonly kind: "message"; readonly flags: readonly string[] }
  | { readonly kind: "expunged" | "taken" }
  | {
      readonly kind: "changed";
      readonly set: readonly string[];
      readonly cleared: readonly string[];
      readonly dated: boolean;
    }
  | { readonly kind: "elsewhere"; readonly leftUid: number }
);

/** In UID order; empty exactly if the merge shows nothing new to clients of the left side. */
export function ownOfRight(input: MergeInput): Own[] {
  const { slots, loose, kin } = decideSlots(input);
  const all = [...slots.flatMap(ownUnderOneUid), ...ownOfLoose(reunite(loose, kin))];
  const messages = new Set(all.flatMap(({ kind, uid }) => (kind === "message" ? [uid] : [])));
  // Where a message of the right side stands, that it stands in the way of another is no second thing.
  return all.filter(({ kind, uid }) => kind !== "taken" || !messages.has(uid)).sort((a, b) => a.uid - b.uid);
}

/** As `ownOfRight` for one message that both sides have. */
export function ownChange(left: LiveRecord, right: LiveRecord): Own[] {
  const merged = mergeLive(left, right);
  const set = namesMissing(merged, left);
  const cleared = namesMissing(left, merged);
  const dated = merged.internalDate !== left.internalDate;
  return set.length + cleared.length > 0 || dated ? [{ kind: "changed", uid: right.uid, set, cleared, dated }] : [];
}

export function ownMessage({ uid, ...record }: LiveRecord): Own {
  return { kind: "message", uid, flags: flagNames(record) };
}

/** What is decided under the UID itself; all other messages are loose. */
function ownUnderOneUid({ uid, left, right, row }: Decided): Own[] {
  if (row === "M02" && left?.expunged === false && right?.expunged === false) return ownChange(left, right);
  if ((row === "M03" || row === "M08") && left?.expunged === false) return [{ kind: "expunged", uid }];
  return [];
}

function ownOfLoose({ pairs, expunged, single }: Reunion): Own[] {
  const graves = expunged.filter(({ message }) => message.side === "left").map(({ grave }) => grave.uid);
  return [
    ...graves.map((uid): Own => ({ kind: "expunged", uid })),
    ...pairs.flatMap(([left, right]) => [...ownPlace(left, right), ...ownChange(left.record, right.record)]),
    ...single.flatMap(ownSingle),
  ];
}

/** A message that the left side has under another UID, which it would have to leave. */
function ownPlace(left: Loose, right: Loose): Own[] {
  return left.arrives ? [] : [{ kind: "elsewhere", uid: right.record.uid, leftUid: left.record.uid }];
}

function ownSingle({ side, record, arrives }: Loose): Own[] {
  if (side === "right") return [ownMessage(record)];
  return arrives ? [] : [{ kind: "taken", uid: record.uid }];
}

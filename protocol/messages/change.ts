/**
 * `change`: the master begins one change of one mailbox. `part` brings more of its records, `commit` (or `commit: true`
 * here, where one frame holds everything) ends it. Until then nothing counts; where the parts are cut means nothing.
 *
 * Answers: `need` to this frame and to each `part` (the bodies follow as `bodies` and `bodyPart` with this `q`), and
 * after the commit `applied`, `conflict` or `failed`, which end it. With `commit: true` and no message lacking the
 * `need` is left out; if one is lacking the `commit: true` is void, and `commit` follows the bodies. The replica may
 * send `conflict` and `failed` at any time; the master then stops, and frames under way mean nothing.
 */
import { z } from "zod";
import { type AgreedState, type Cursor, type MailboxState, sameState } from "../../src/model/state.ts";
import { batches, flag, mailboxId, modseqOrZero, name, orNull, requestNumber } from "../fields.ts";
import { agreedShape, entryChangeShape, stateShape } from "../shapes.ts";

/**
 * A cursor beside the states of a change: [latest], or [latest, agreed]. In place of a latest that is `after`, or an
 * agreed that is `before`, only its entryModseq is written, as it nearly always is so.
 */
const relativeCursor = z
  .array(z.union([modseqOrZero, agreedShape]))
  .min(1)
  .max(2);

type RelativeCursor = z.output<typeof relativeCursor>;

const changeWire = z.object({
  t: z.literal("change"),
  q: requestNumber,
  account: name,
  mailboxId,
  /** The state the change was planned on. */
  before: stateShape,
  /** The state it leads to. */
  after: stateShape,
  /** Drop all records first: the mailbox gets a new numbering. */
  reset: flag,
  /** The change may break P1, P2, P3 and P5 (`--mirror`). */
  overrule: flag,
  /** A changed entry of the tree, in the same transaction. */
  entry: orNull(entryChangeShape),
  /** The cursor the replica saves with the change. */
  cursor: z.optional(relativeCursor),
  batches,
  /** This frame is the whole change: apply it at once if no message is lacking. */
  commit: flag,
});

type ChangeWire = z.output<typeof changeWire>;
export type Change = Omit<ChangeWire, "cursor"> & { readonly cursor: Cursor | null };

export const changeSchema = z.codec(changeWire, z.custom<Change>(), {
  decode: (wire) => ({ ...wire, cursor: readCursor(wire) }),
  encode: ({ cursor, ...rest }): ChangeWire => ({ ...rest, cursor: writeCursor(cursor, rest.before, rest.after) }),
});

function readCursor({ cursor, before, after }: ChangeWire): Cursor | null {
  if (cursor === undefined) return null;
  const [latest, agreed] = cursor;
  return {
    latest: absolute(latest as number | AgreedState, after),
    agreed: agreed === undefined ? null : absolute(agreed, before),
  };
}

function absolute(value: number | AgreedState, state: MailboxState): AgreedState {
  return typeof value === "number" ? { ...state, entryModseq: value } : value;
}

function writeCursor(cursor: Cursor | null, before: MailboxState, after: MailboxState): RelativeCursor | undefined {
  if (cursor === null) return undefined;
  const latest = relative(cursor.latest, after);
  return cursor.agreed === null ? [latest] : [latest, relative(cursor.agreed, before)];
}

function relative(agreed: AgreedState, state: MailboxState): number | AgreedState {
  return sameState(agreed, state) ? agreed.entryModseq : agreed;
}

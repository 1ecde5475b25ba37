/**
 * All messages: the one table by which frames are encoded and decoded.
 */
import type { z } from "zod";
import { MAX_FRAME_BYTES, MAX_HELLO_FRAME_BYTES, MAX_SMALL_FRAME_BYTES } from "../limits.ts";
import { agreeSchema } from "./agree.ts";
import { agreedSchema } from "./agreed.ts";
import { appliedSchema } from "./applied.ts";
import { auditSchema } from "./audit.ts";
import { auditedSchema } from "./audited.ts";
import { bodiesSchema } from "./bodies.ts";
import { bodyPartSchema } from "./body-part.ts";
import { challengeSchema } from "./challenge.ts";
import { changeSchema } from "./change.ts";
import { changedSchema } from "./changed.ts";
import { changesSchema } from "./changes.ts";
import { commitSchema } from "./commit.ts";
import { compareSchema } from "./compare.ts";
import { comparedSchema } from "./compared.ts";
import { conflictSchema } from "./conflict.ts";
import { dropSchema } from "./drop.ts";
import { errorSchema } from "./error.ts";
import { failedSchema } from "./failed.ts";
import { fetchSchema } from "./fetch.ts";
import { fetchedSchema } from "./fetched.ts";
import { helloSchema } from "./hello.ts";
import { moreSchema } from "./more.ts";
import { needSchema } from "./need.ts";
import { partSchema } from "./part.ts";
import { pullSchema } from "./pull.ts";
import { recordsSchema } from "./records.ts";
import { siftSchema } from "./sift.ts";
import { splitSchema } from "./split.ts";
import { surveySchema } from "./survey.ts";
import { surveyedSchema } from "./surveyed.ts";
import { takeSchema } from "./take.ts";
import { treeSchema } from "./tree.ts";

/** What is known about one type of message. */
export interface MessageType {
  readonly schema: z.ZodType;
  /** Bytes of the longest frame that may hold it. */
  readonly maxBytes: number;
}

/** Every type of message by its `t`. */
export const MESSAGES = {
  challenge: { schema: challengeSchema, maxBytes: MAX_HELLO_FRAME_BYTES },
  hello: { schema: helloSchema, maxBytes: MAX_HELLO_FRAME_BYTES },
  survey: { schema: surveySchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  surveyed: { schema: surveyedSchema, maxBytes: MAX_FRAME_BYTES },
  sift: { schema: siftSchema, maxBytes: MAX_FRAME_BYTES },
  pull: { schema: pullSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  records: { schema: recordsSchema, maxBytes: MAX_FRAME_BYTES },
  compare: { schema: compareSchema, maxBytes: MAX_FRAME_BYTES },
  split: { schema: splitSchema, maxBytes: MAX_FRAME_BYTES },
  compared: { schema: comparedSchema, maxBytes: MAX_FRAME_BYTES },
  take: { schema: takeSchema, maxBytes: MAX_FRAME_BYTES },
  more: { schema: moreSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  drop: { schema: dropSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  change: { schema: changeSchema, maxBytes: MAX_FRAME_BYTES },
  changes: { schema: changesSchema, maxBytes: MAX_FRAME_BYTES },
  changed: { schema: changedSchema, maxBytes: MAX_FRAME_BYTES },
  part: { schema: partSchema, maxBytes: MAX_FRAME_BYTES },
  commit: { schema: commitSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  need: { schema: needSchema, maxBytes: MAX_FRAME_BYTES },
  applied: { schema: appliedSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  conflict: { schema: conflictSchema, maxBytes: MAX_FRAME_BYTES },
  failed: { schema: failedSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  bodies: { schema: bodiesSchema, maxBytes: MAX_FRAME_BYTES },
  bodyPart: { schema: bodyPartSchema, maxBytes: MAX_FRAME_BYTES },
  fetch: { schema: fetchSchema, maxBytes: MAX_FRAME_BYTES },
  fetched: { schema: fetchedSchema, maxBytes: MAX_FRAME_BYTES },
  tree: { schema: treeSchema, maxBytes: MAX_FRAME_BYTES },
  agree: { schema: agreeSchema, maxBytes: MAX_FRAME_BYTES },
  agreed: { schema: agreedSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  audit: { schema: auditSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
  audited: { schema: auditedSchema, maxBytes: MAX_FRAME_BYTES },
  error: { schema: errorSchema, maxBytes: MAX_SMALL_FRAME_BYTES },
} as const satisfies Record<string, MessageType>;

export type MessageName = keyof typeof MESSAGES;

/** Any message, told apart by `t`. */
export type Message = { [Name in MessageName]: z.output<(typeof MESSAGES)[Name]["schema"]> }[MessageName];

/** The message of one type. */
export type MessageOf<Name extends MessageName> = Extract<Message, { t: Name }>;

export type { SurveyedMailbox } from "../shapes.ts";
export type { Agree, AgreeRow } from "./agree.ts";
export type { Agreed } from "./agreed.ts";
export type { Applied } from "./applied.ts";
export type { Audit } from "./audit.ts";
export type { Audited } from "./audited.ts";
export type { Bodies } from "./bodies.ts";
export type { BodyPart } from "./body-part.ts";
export type { Challenge } from "./challenge.ts";
export type { Change } from "./change.ts";
export type { Changed } from "./changed.ts";
export type { Changes } from "./changes.ts";
export type { Commit } from "./commit.ts";
export type { Compare } from "./compare.ts";
export type { Compared } from "./compared.ts";
export type { Conflict } from "./conflict.ts";
export type { Drop } from "./drop.ts";
export type { ErrorMessage } from "./error.ts";
export type { Failed } from "./failed.ts";
export type { Fetch } from "./fetch.ts";
export type { Fetched } from "./fetched.ts";
export type { Hello } from "./hello.ts";
export type { More } from "./more.ts";
export type { Need } from "./need.ts";
export type { Part } from "./part.ts";
export type { Pull } from "./pull.ts";
export type { Records } from "./records.ts";
export type { Sift } from "./sift.ts";
export type { Split } from "./split.ts";
export type { Survey } from "./survey.ts";
export type { AccountModseq, Surveyed } from "./surveyed.ts";
export type { Take } from "./take.ts";
export type { Tree } from "./tree.ts";

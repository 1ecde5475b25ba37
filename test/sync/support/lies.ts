/** Changes of a node's INBOX that are honest but for what a test says. */
import type { Message } from "../../../protocol/messages/index.ts";
import type { LiveRecord } from "../../../src/model/record.ts";
import type { MailboxState } from "../../../src/model/state.ts";
import { digestOfRecords, packRecords } from "../../../src/store/shared/blocks.ts";
import type { Node } from "./node.ts";

export type ChangeMessage = Extract<Message, { t: "change" }>;

/** A request number that no test opens. */
export const UNKNOWN_Q = 77;

const NEW_GUID = "0123456789abcdef".repeat(4);

/** A new message for the INBOX; as it stands only its bytes are lacking. */
export async function newRecord(b: Node, over: Partial<LiveRecord> = {}): Promise<LiveRecord> {
  const [first] = await b.live("INBOX");
  const { highestModseq, uidNext } = await b.state("INBOX");
  const modseq = highestModseq + 1;
  return { ...(first as LiveRecord), uid: uidNext, modseq, createdModseq: modseq, guid: NEW_GUID, size: 5, ...over };
}

export interface Lie {
  readonly q?: number;
  readonly records?: readonly LiveRecord[];
  readonly after?: Partial<MailboxState>;
  readonly commit?: boolean;
  readonly mailbox?: string;
}

/** A change that brings `records`, with counters that fit but for `after`. */
export async function change(
  b: Node,
  { q = 1, records = [], after = {}, commit = false, mailbox = "INBOX" }: Lie = {},
): Promise<ChangeMessage> {
  const state = await b.state(mailbox);
  const written = new Set(records.map(({ uid }) => uid));
  const kept = (await b.live(mailbox)).filter(({ uid }) => !written.has(uid));
  const honest = {
    uidNext: Math.max(state.uidNext, ...records.map(({ uid }) => uid + 1)),
    highestModseq: Math.max(state.highestModseq, ...records.map(({ modseq }) => modseq)),
    digest: digestOfRecords([...kept, ...records]),
  };
  const batches = [...packRecords(records)].map(({ bytes }) => bytes);
  const rest = { reset: false, overrule: false, entry: null, cursor: null };
  const head = { account: "default", mailboxId: await b.id(mailbox), before: state };
  return { t: "change", q, ...head, after: { ...state, ...honest, ...after }, ...rest, batches, commit };
}

/** A piece of a message of ten bytes. */
export function piece(offset: number, text = "spare"): Message {
  return { t: "bodyPart", q: UNKNOWN_Q, guid: NEW_GUID, size: 10, offset, data: Buffer.from(text) };
}

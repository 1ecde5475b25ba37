/**
 * The greeting: the first frame of both sides of a connection.
 */
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import { MAX_RECENT_BYTES } from "../../protocol/limits.ts";
import { PROTOCOL_VERSION } from "../../protocol/version.ts";
import { decodeBatch } from "../model/batch.ts";
import { TandemError } from "../model/errors.ts";
import type { FrameConnection } from "../transport/transport.ts";
import type { LocalPeer } from "./local-peer.ts";
import type { SurveyedMailbox } from "./peer.ts";

/** What a side learned of the other from its greeting. */
export interface Greeting {
  readonly storeEpoch: string;
  readonly node: string;
  /** First 8 hex digits of the GUIDs of messages it got since the last exchange, or in one that was cut off. */
  readonly recent: ReadonlySet<string>;
  /** There are more than could be told. */
  readonly many: boolean;
}

const PREFIX_BYTES = 4;

/** The master's part: sends its greeting and reads the replica's. @throws TandemError `version`, `disconnected`. */
export async function greet(connection: FrameConnection, storeEpoch: string, node: string): Promise<Greeting> {
  await connection.send(hello(storeEpoch, node, new Uint8Array(), true));
  return readHello(await connection.receive());
}

/** The replica's part: reads the master's greeting. @throws TandemError. */
export async function awaitGreeting(connection: FrameConnection): Promise<Greeting> {
  return readHello(await connection.receive());
}

/** The replica's greeting, which tells what mail it got since the last exchange with this master. */
export async function answerGreeting(connection: FrameConnection, peer: LocalPeer, node: string): Promise<void> {
  const recent = await recentMessages(peer);
  await connection.send(hello(peer.storeEpoch, node, recent ?? new Uint8Array(), recent === null));
}

function hello(epoch: string, node: string, recent: Uint8Array, many: boolean): Uint8Array {
  return encodeFrame({ t: "hello", v: PROTOCOL_VERSION, epoch, node, recent, many });
}

function readHello(frame: Uint8Array | null): Greeting {
  if (frame === null)
    throw new TandemError("disconnected", "The peer hung up without a greeting; check that it is a Tandem node.");
  const message = decodeFrame(frame);
  if (message.t === "error") throw new TandemError(message.code, `The peer said: ${message.message}`);
  if (message.t !== "hello")
    throw new TandemError(
      "bad-message",
      `The peer sent "${message.t}" before its greeting; check that it is a Tandem node.`,
    );
  const hex = Buffer.from(message.recent).toString("hex");
  const recent = new Set<string>();
  for (let at = 0; at < hex.length; at += 2 * PREFIX_BYTES) recent.add(hex.slice(at, at + 2 * PREFIX_BYTES));
  return { storeEpoch: message.epoch, node: message.node, recent, many: message.many };
}

function prefixOf(guid: string): string {
  return guid.slice(0, 2 * PREFIX_BYTES);
}

/** GUID prefixes of messages that came since the last exchange, or null if they are too many to tell. */
async function recentMessages(peer: LocalPeer): Promise<Uint8Array | null> {
  const { mailboxes } = await peer.survey({ account: null, base: null, complete: false, inlineBytes: 0 });
  const prefixes = (await peer.unnamedBodies()).map(prefixOf);
  if (prefixes.length * PREFIX_BYTES > RECENT_BYTES) return null;
  for (const mailbox of mailboxes) {
    if (mailbox.state.digest.count === 0) continue;
    for await (const guid of newMessages(peer, mailbox)) {
      prefixes.push(prefixOf(guid));
      if (prefixes.length * PREFIX_BYTES > RECENT_BYTES) return null;
    }
  }
  return Buffer.from(prefixes.join(""), "hex");
}

async function* newMessages(peer: LocalPeer, { account, entry, cursor }: SurveyedMailbox): AsyncGenerator<string> {
  const since = cursor?.latest.highestModseq ?? 0;
  const pull = await peer.pull(account, entry.mailboxId, since);
  try {
    for await (const page of pull.pages())
      for (const record of page.flatMap((batch) => decodeBatch(batch.bytes)))
        if (!record.expunged && record.createdModseq > since) yield record.guid;
  } finally {
    await pull.close();
  }
}

/** What a greeting may cost: telling of more would cost more than the round trip it saves. */
const RECENT_BYTES = Math.min(MAX_RECENT_BYTES, 4096);

/**
 * Messages to frames and back: the only door between the wire and the code.
 */
import { createCodec, decode, encode } from "msgpack-lite";
import { z } from "zod";
import { TandemError } from "../src/model/errors.ts";
import { messageFields } from "./fields.ts";
import { MESSAGES, type Message, type MessageType } from "./messages/index.ts";
import { prescan } from "./prescan.ts";
import { PROTOCOL_VERSION } from "./version.ts";

/** Without the preset of extension types, which would build objects from a peer's bytes. */
const codec = createCodec({});
const TYPES: ReadonlyMap<string, MessageType> = new Map(Object.entries(MESSAGES));
const LONGEST_TYPE = 31;
/** The key `data`, and the head of a bin of 64 KiB and more. */
const KEY_BYTES = 5;
const BIN_HEAD_BYTES = 5;
const LEAST_BIN_32 = 0x1_0000;
const EMPTY = Buffer.alloc(0);
const EMPTY_BIN = Buffer.from([0xc4, 0]);

/**
 * The frame of a message. The bytes of the message are copied.
 * @throws TandemError `limit` if the message is above a limit of `limits.ts`, `internal` if it is not valid.
 */
export function encodeFrame(message: Message): Uint8Array {
  const { schema, maxBytes } = MESSAGES[message.t];
  const wire = z.safeEncode(schema as z.ZodType<Message>, message);
  if (!wire.success) throw fault(message.t, wire.error, "internal");
  const frame = encode(toWire(wire.data), { codec });
  checkSize(message.t, frame.length, maxBytes);
  return frame;
}

/**
 * The frame of the message `bodies` with these messages; as `encodeFrame`, but their bytes are copied once and not twice.
 * @throws as `encodeFrame`.
 */
export function encodeBodies(q: number, bodies: readonly Uint8Array[]): Uint8Array {
  const sizes = bodies.map(({ length }) => length);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes < LEAST_BIN_32) return encodeFrame({ t: "bodies", q, sizes, data: Buffer.concat(bodies) });
  const wire = { t: "bodies", q, sizes: z.encode(messageFields.sizes, sizes), data: EMPTY };
  const empty = encode(toWire(wire), { codec });
  const frame = Buffer.concat([empty.subarray(0, -KEY_BYTES - EMPTY_BIN.length), dataHead(bytes), ...bodies]);
  checkSize("bodies", frame.length, MESSAGES.bodies.maxBytes);
  return frame;
}

/**
 * The message in a frame, every value checked, unknown keys dropped.
 * @throws TandemError `bad-frame` if it is malformed, `bad-message` if its type is unknown, `limit`, or `version` for a
 * `challenge` or a `hello` of another version.
 */
export function decodeFrame(frame: Uint8Array): Message {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const name = peekType(bytes);
  const type = TYPES.get(name);
  if (type === undefined)
    throw new TandemError("bad-message", `The peer sent a message of the unknown type ${JSON.stringify(name)}.`);
  checkSize(name, bytes.length, type.maxBytes);
  const wire = unpack(bytes, prescan(bytes));
  if (name === "challenge" || name === "hello") checkVersion(wire["v"]);
  const message = z.safeDecode(type.schema as z.ZodType<Message>, wire as never);
  if (!message.success) throw fault(name, message.error, "bad-frame");
  return message.data;
}

/** The type of the message in a frame, without decoding it: `t` is the first key of the map. @throws `bad-frame`. */
function peekType(frame: Buffer): string {
  const first = frame[0] ?? 0xc1;
  const key = first === 0xde ? 3 : 1;
  const isMap = first === 0xde || (first > 0x80 && first < 0x90);
  const length = (frame[key + 2] ?? 0) - 0xa0;
  const isType = frame[key] === 0xa1 && frame[key + 1] === 0x74 && length > 0 && length <= LONGEST_TYPE;
  if (!isMap || !isType || key + 3 + length > frame.length)
    throw new TandemError("bad-frame", "The peer sent a frame that is not a message; check that it is a Tandem node.");
  return frame.toString("utf8", key + 3, key + 3 + length);
}

/**
 * The decoder copies every bin. The bytes of messages, the last value of their frame, are left out before it and put back as
 * they lie in the frame.
 * @param last where the bytes of the last value begin, if they are a bin.
 */
function unpack(bytes: Buffer, last: number): Record<string, unknown> {
  const length = bytes.length - last;
  const isBulk =
    length >= LEAST_BIN_32 && dataHead(length).equals(bytes.subarray(last - KEY_BYTES - BIN_HEAD_BYTES, last));
  if (!isBulk) return decoded(bytes);
  const wire = decoded(Buffer.concat([bytes.subarray(0, last - BIN_HEAD_BYTES), EMPTY_BIN]));
  wire["data"] = bytes.subarray(last);
  return wire;
}

/** The key `data` and the head of a bin of 64 KiB and more, as the encoder writes them. */
function dataHead(length: number): Buffer {
  const head = Buffer.from("\xa4data\xc6....", "latin1");
  head.writeUInt32BE(length, KEY_BYTES + BIN_HEAD_BYTES - 4);
  return head;
}

function decoded(bytes: Buffer): Record<string, unknown> {
  try {
    return decode(bytes, { codec }) as Record<string, unknown>;
  } catch (cause) {
    throw new TandemError("bad-frame", "The peer sent a frame that cannot be decoded.", { cause });
  }
}

/** What the encoder wants: bytes as Buffers, and no keys without a value. */
function toWire(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, toWire(item)]));
}

function checkSize(name: string, bytes: number, most: number): void {
  if (bytes > most)
    throw new TandemError("limit", `A frame with a message of type "${name}" has ${bytes} bytes; ${most} are allowed.`);
}

function checkVersion(version: unknown): void {
  if (version === PROTOCOL_VERSION) return;
  const theirs = typeof version === "number" ? version : "unknown";
  const what = `The peer speaks protocol version ${theirs}, this node version ${PROTOCOL_VERSION}`;
  throw new TandemError("version", `${what}; install the same release of Tandem on both.`);
}

function fault(name: string, error: z.core.$ZodError, otherwise: "internal" | "bad-frame"): TandemError {
  const issue = error.issues[0];
  const tooLong = issue?.code === "too_big" && (issue.origin === "array" || issue.origin === "string");
  const where = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  const what = `A message of type "${name}" is not valid (${where}${issue?.message ?? "no reason"}).`;
  return new TandemError(tooLong ? "limit" : otherwise, what);
}

/**
 * Messages to frames and back: limits, ranges, what is left out, and how little a small exchange takes.
 */
import { encode } from "msgpack-lite";
import { describe, expect, it } from "vitest";
import { decodeFrame, encodeBodies, encodeFrame } from "../../protocol/frame.ts";
import {
  BODY_PART_BYTES,
  MAX_BATCHES_PER_FRAME,
  MAX_BODIES_PER_FRAME,
  MAX_ENTRY_ITEMS,
  MAX_SMALL_FRAME_BYTES,
  MAX_TEXT_LENGTH,
} from "../../protocol/limits.ts";
import { MESSAGES, type Message, type MessageOf } from "../../protocol/messages/index.ts";
import { encodeBatch } from "../../src/model/encode-batch.ts";
import { TandemError } from "../../src/model/errors.ts";
import { wireBytes } from "../../src/transport/websocket-connection.ts";
import { SAMPLES } from "./samples.ts";

/** The code of the error that `act` throws. */
function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof TandemError) return error.code;
    throw error;
  }
  return "no error";
}

/** A message with fields no TypeScript program would send. */
function broken(sample: Message, fields: Record<string, unknown>): Message {
  return { ...sample, ...fields } as Message;
}

function decoding(value: unknown): () => Message {
  return () => decodeFrame(encode(value));
}

const CHANGE = SAMPLES.change[0] as MessageOf<"change">;

describe("decodeFrame", () => {
  it("P12: an unknown type is bad-message, whatever its name", () => {
    for (const t of ["nonsense", "constructor", "__proto__", "toString"])
      expect(codeOf(decoding({ t, q: 1 }))).toBe("bad-message");
  });

  it("scenario 57: a hello of version 999 is refused by its version, whatever else is in it", () => {
    expect(codeOf(decoding({ t: "hello", v: 999, novelty: [1, 2, 3] }))).toBe("version");
    expect(codeOf(decoding({ t: "hello" }))).toBe("version");
  });

  it.each([
    ["no map", [1, 2]],
    ["t not first", { q: 1, t: "more" }],
    ["a missing field", { t: "more" }],
    ["a number as text", { t: "more", q: "1" }],
    ["a fraction", { t: "more", q: 1.5 }],
    ["no number", { t: "more", q: Number.NaN }],
    ["zero", { t: "more", q: 0 }],
    ["above 2^53-1", { t: "more", q: 2 ** 53 }],
    ["false where absence says it", { t: "survey", q: 1, base: Buffer.alloc(16), complete: false }],
    ["15 bytes of digest", { t: "survey", q: 1, base: Buffer.alloc(15) }],
    ["an account with NUL", { t: "survey", q: 1, base: Buffer.alloc(16), account: "a\0b" }],
    ["an id with a slash", { t: "audit", q: 1, account: "a", mailboxId: "a/b" }],
    ["half a GUID", { t: "fetch", q: 1, guids: Buffer.alloc(40) }],
    [
      "half a prefix",
      { t: "hello", v: 3, epoch: Buffer.alloc(16), node: "", nonce: Buffer.alloc(32), recent: Buffer.alloc(6) },
    ],
    ["sizes that do not add up", { t: "bodies", q: 1, sizes: Buffer.from([2]), data: Buffer.alloc(3) }],
    ["a size above 2^32-1", { t: "bodies", q: 1, sizes: Buffer.from("8080808010", "hex"), data: Buffer.alloc(3) }],
    ["a batch longer than its bin", { t: "part", q: 1, batches: Buffer.from([9, 1]) }],
    ["an unknown error code", { t: "failed", q: 1, code: "oops", message: "" }],
    ["a lost line, told of by the peer", { t: "failed", q: 1, code: "disconnected", message: "" }],
  ])("P12: %s is bad-frame", (_, value) => {
    expect(codeOf(decoding(value))).toBe("bad-frame");
  });

  it("keys it does not know are dropped, also a prototype", () => {
    const frame = Buffer.from("84a174a46d6f7265a17105a3666f6f01a95f5f70726f746f5f5f81a17109", "hex");
    expect(decodeFrame(frame)).toEqual({ t: "more", q: 5 });
  });

  it("a number may come in any form MessagePack has for it", () => {
    for (const five of ["05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005", "cb4014000000000000"])
      expect(decodeFrame(Buffer.from(`82a174a46d6f7265a171${five}`, "hex"))).toEqual({ t: "more", q: 5 });
    expect(codeOf(() => decodeFrame(Buffer.from("82a174a46d6f7265a171cf0020000000000001", "hex")))).toBe("bad-frame");
  });

  it("lists of a mailbox's entry must be in order", () => {
    const [first, second] = [
      { key: "a", value: "", stamp: 1 },
      { key: "b", value: "", stamp: 1 },
    ];
    const entry = { ...(CHANGE.entry?.value as object), attributes: [second, first] };
    expect(codeOf(() => encodeFrame(broken(CHANGE, { entry: { ...CHANGE.entry, value: entry } })))).toBe("internal");
  });
});

describe("limits", () => {
  it.each(Object.entries(MESSAGES))("a %s frame above its limit is refused before it is decoded", (t, { maxBytes }) => {
    const value = { t, filler: Buffer.alloc(maxBytes) };
    expect(codeOf(decoding(value))).toBe("limit");
  });

  it("lists, texts and bodies above their limits are refused on both sides", () => {
    const guids = Array<string>(MAX_BODIES_PER_FRAME + 1).fill("00".repeat(32));
    const batches = Array<Uint8Array>(MAX_BATCHES_PER_FRAME + 1).fill(new Uint8Array(4));
    const aliases = Array.from({ length: MAX_ENTRY_ITEMS + 1 }, (_, i) => `a${10_000 + i}`);
    const value = { ...(CHANGE.entry?.value as object), aliases };
    const tooMuch = [
      broken(SAMPLES.fetch[0] as Message, { guids }),
      broken(SAMPLES.part[0] as Message, { batches }),
      broken(SAMPLES.failed[0] as Message, { message: "x".repeat(MAX_TEXT_LENGTH + 1) }),
      broken(SAMPLES.bodyPart[0] as Message, { data: new Uint8Array(BODY_PART_BYTES + 1), size: 2 ** 31 }),
      broken(CHANGE, { entry: { ...CHANGE.entry, value } }),
    ];
    expect(tooMuch.map((message) => codeOf(() => encodeFrame(message)))).toEqual(tooMuch.map(() => "limit"));
    const sizes = Buffer.alloc(MAX_BODIES_PER_FRAME + 1);
    expect(codeOf(decoding({ t: "bodies", q: 1, sizes }))).toBe("limit");
    expect(codeOf(decoding({ t: "part", q: 1, batches: Buffer.alloc(MAX_BATCHES_PER_FRAME + 1) }))).toBe("limit");
    expect(codeOf(decoding({ t: "error", code: "io", message: "x".repeat(MAX_TEXT_LENGTH + 1) }))).toBe("limit");
  });

  it("bodies of any size are the same frame, joined beforehand or not, and the same messages after it", () => {
    for (const bytes of [0, 1, 65_535, 65_536, 70_000]) {
      const bodies = [Buffer.alloc(bytes, "a"), Buffer.from("b")].filter(({ length }) => length > 0 && bytes > 0);
      const message: Message = {
        t: "bodies",
        q: 300,
        sizes: bodies.map(({ length }) => length),
        data: Buffer.concat(bodies),
      };
      const frame = encodeBodies(300, bodies);
      expect(frame).toEqual(encodeFrame(message));
      const decoded = decodeFrame(frame) as MessageOf<"bodies">;
      expect({ ...decoded, data: Buffer.from(decoded.data) }).toEqual(message);
    }
  });

  it("a frame that only looks as if it ended in the bytes of messages is read as any other", () => {
    const frame = Buffer.from(encodeBodies(1, [Buffer.alloc(70_000)]));
    frame.write("gata", frame.indexOf("data"));
    expect(codeOf(() => decodeFrame(frame))).toBe("bad-frame");
  });

  it("the largest names and texts fit a small frame", () => {
    const account = "\u{1f4e7}".repeat(250);
    const audit = encodeFrame({ t: "audit", q: 1, account, mailboxId: "x".repeat(255) });
    const failed = encodeFrame({ t: "failed", q: 1, code: "io", message: "\ufffd".repeat(MAX_TEXT_LENGTH) });
    expect(Math.max(audit.length, failed.length)).toBeLessThan(MAX_SMALL_FRAME_BYTES / 2);
    expect(decodeFrame(audit)).toEqual({ t: "audit", q: 1, account, mailboxId: "x".repeat(255) });
  });

  it("what is not valid is not sent", () => {
    const invalid: Message[] = [
      broken(SAMPLES.more[0] as Message, { q: 0 }),
      broken(SAMPLES.fetch[0] as Message, { guids: ["zz".repeat(32)] }),
      broken(SAMPLES.hello[0] as Message, { epoch: "12" }),
      broken(SAMPLES.audit[0] as Message, { mailboxId: "" }),
    ];
    expect(invalid.map((message) => codeOf(() => encodeFrame(message)))).toEqual(invalid.map(() => "internal"));
  });
});

describe("size on the wire", () => {
  it("a flag change takes less than 400 bytes each way, with the question what has changed", () => {
    const digest = { count: 100_000, crc: 0xdead_beef, crcC: 0xfeed_f00d };
    const state = { uidValidity: 1_700_000_000, uidNext: 100_001, highestModseq: 300_000, purgedModseq: 1000, digest };
    const cursor = { latest: { ...state, entryModseq: 1000 }, agreed: { ...state, entryModseq: 1000 } };
    const record = { uid: 70_000, modseq: 300_001, createdModseq: 70_000, size: 40_000, internalDate: 1.7e12 };
    const stamped = { keywords: [], flagStamps: [{ flag: "\\flagged", modseq: 300_001 }], formerUids: [] };
    const { bytes } = encodeBatch([{ expunged: false, ...record, guid: "ab".repeat(32), systemFlags: 5, ...stamped }]);
    const there: Message[] = [
      { t: "survey", q: 1, account: null, mailboxId: null, base: new Uint8Array(16), list: null, complete: false },
      {
        t: "change",
        q: 2,
        account: "somebody.with.a.long.name@example.org",
        mailboxId: "01234567-89ab-cdef-0123-456789abcdef",
        before: state,
        after: { ...state, highestModseq: 300_001 },
        reset: false,
        overrule: false,
        entry: null,
        cursor,
        batches: [bytes],
        commit: true,
      },
    ];
    const back: Message[] = [
      {
        t: "surveyed",
        list: null,
        sums: new Uint32Array(),
        differ: new Uint8Array(),
        q: 1,
        baseAgrees: true,
        trees: [{ account: "somebody.with.a.long.name@example.org", modseq: 1000 }],
        mailboxes: [],
        more: false,
      },
      { t: "applied", q: 2 },
    ];
    const sum = (all: Message[]) => all.reduce((total, one) => total + wireBytes(encodeFrame(one).length, true), 0);
    expect(sum(there)).toBeLessThan(400);
    expect(sum(back)).toBeLessThan(150);
  });
});

/**
 * What every transport must do (`src/transport/transport.ts`), as one suite for all of them.
 */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { isTandemError } from "../../src/model/errors.ts";
import type { FrameConnection } from "../../src/transport/transport.ts";

/** Two connected ends, and what frees everything that was made for them. */
export interface PairUnderTest {
  readonly left: FrameConnection;
  readonly right: FrameConnection;
  readonly close: () => Promise<void>;
}

const MIB = 1024 * 1024;
/** Buffers of both ends, of the kernel and of the library, generously: far below what a runaway sender would queue. */
const IN_FLIGHT_BYTES = 32 * MIB;

/** Runs the suite on the transport that `makePair` connects. */
export function transportContract(name: string, makePair: () => Promise<PairUnderTest>): void {
  describe(`transport contract: ${name}`, () => {
    let open: PairUnderTest[] = [];
    const connect = async () => {
      const pair = await makePair();
      open.push(pair);
      return pair;
    };
    afterEach(async () => {
      for (const pair of open) {
        pair.left.destroy();
        pair.right.destroy();
        await pair.close();
      }
      open = [];
    });
    orderAndWholeness(connect);
    backPressure(connect);
    ending(connect);
    breaking(connect);
  });
}

type Connect = () => Promise<PairUnderTest>;

function orderAndWholeness(connect: Connect): void {
  it("frames arrive whole, once and in order, both ways at the same time", async () => {
    const { left, right } = await connect();
    const sizes = [1, 2, 125, 126, 127, 65_535, 65_536, 200_000, 3];
    const frames = sizes.map((size, i) => patterned(size, i));
    const [there, back] = await Promise.all([
      collect(right),
      collect(left),
      sendAll(left, frames),
      sendAll(right, frames),
    ]);
    expect(there.map(fingerprint)).toEqual(frames.map(fingerprint));
    expect(back.map(fingerprint)).toEqual(frames.map(fingerprint));
  });

  it("the largest frame arrives as it is, a larger one is refused before it is sent", async () => {
    const { left, right } = await connect();
    const frame = patterned(MAX_FRAME_BYTES, 7);
    const [arrived] = await Promise.all([right.receive(), left.send(frame)]);
    expect(Buffer.compare(arrived as Uint8Array, frame)).toBe(0);
    await expect(left.send(new Uint8Array(MAX_FRAME_BYTES + 1))).rejects.toMatchObject({ code: "limit" });
    await expect(left.send(new Uint8Array(0))).rejects.toMatchObject({ code: "invalid-argument" });
    expect(left.stats.framesSent).toBe(1);
  });

  it("100,000 small frames arrive in order", async () => {
    const { left, right } = await connect();
    const count = 100_000;
    const sending = sendNumbers(left, count);
    let wrong = 0;
    let received = 0;
    for (let frame = await right.receive(); frame !== null; frame = await right.receive()) {
      if (Buffer.from(frame).readUInt32BE() !== received) wrong++;
      received++;
    }
    await sending;
    expect({ received, wrong }).toEqual({ received: count, wrong: 0 });
  });

  it("counts the same on both ends", async () => {
    const { left, right } = await connect();
    await sendAll(left, [patterned(10, 1), patterned(70_000, 2)], false);
    await sendAll(right, [patterned(300, 3)], false);
    await Promise.all([left.end(), right.end(), drain(left), drain(right)]);
    expect(left.stats).toMatchObject({ framesSent: 2, framesReceived: 1 });
    expect(right.stats).toMatchObject({ framesSent: 1, framesReceived: 2 });
    expect(right.stats.bytesReceived).toBe(left.stats.bytesSent);
    expect(left.stats.bytesReceived).toBe(right.stats.bytesSent);
    expect(left.stats.bytesSent).toBeGreaterThanOrEqual(70_010);
    expect(left.stats.bytesSent).toBeLessThan(70_100);
  });
}

function backPressure(connect: Connect): void {
  it("a sender waits while the peer does not receive, and goes on when it does", async () => {
    const { left, right } = await connect();
    const frame = patterned(256 * 1024, 1);
    const count = (4 * IN_FLIGHT_BYTES) / frame.length;
    let sent = 0;
    const sending = (async () => {
      for (; sent < count; sent++) await left.send(frame);
      await left.end();
    })();
    await settled(() => sent);
    expect(sent * frame.length).toBeLessThan(IN_FLIGHT_BYTES);
    expect(await drain(right)).toBe(count);
    await sending;
    expect(sent).toBe(count);
  });

  it("a full direction does not hold up the other", async () => {
    const { left, right } = await connect();
    let stop = false;
    const sending = (async () => {
      while (!stop) await left.send(patterned(256 * 1024, 1));
    })().catch((error) => error);
    await right.send(patterned(100, 2));
    expect((await left.receive())?.length).toBe(100);
    stop = true;
    right.destroy();
    const error = await sending;
    expect(error === undefined || isTandemError(error, "disconnected")).toBe(true);
  });
}

function ending(connect: Connect): void {
  it("everything sent before the end arrives, then null, again and again", async () => {
    const { left, right } = await connect();
    await sendAll(left, [patterned(5, 1), patterned(6, 2)]);
    expect((await right.receive())?.length).toBe(5);
    expect((await right.receive())?.length).toBe(6);
    expect(await right.receive()).toBeNull();
    expect(await right.receive()).toBeNull();
  });

  it("scenario 59: a side that ended still gets its answer", async () => {
    const { left, right } = await connect();
    await sendAll(left, [patterned(5, 1)]);
    while ((await right.receive()) !== null);
    const [answer] = await Promise.all([collect(left), sendAll(right, [patterned(MIB, 1), patterned(9, 2)])]);
    expect(answer.map((frame) => frame.length)).toEqual([MIB, 9]);
  });

  it("ends in order when both sides end at once, and ending twice is the same", async () => {
    const { left, right } = await connect();
    await Promise.all([left.end(), right.end(), left.end()]);
    expect(await Promise.all([left.receive(), right.receive()])).toEqual([null, null]);
    await left.end();
  });

  it("nothing can be sent after the end", async () => {
    const { left } = await connect();
    await left.end();
    await expect(left.send(patterned(1, 1))).rejects.toMatchObject({ code: "disconnected" });
  });
}

function breaking(connect: Connect): void {
  it("destroy makes waiting and later calls of both sides fail", async () => {
    const { left, right } = await connect();
    const waiting = [left.receive(), right.receive()].map((promise) => promise.catch((error) => error.code));
    left.destroy();
    expect(await Promise.all(waiting)).toEqual(["disconnected", "disconnected"]);
    for (const side of [left, right]) {
      await expect(side.send(patterned(1, 1))).rejects.toMatchObject({ code: "disconnected" });
      await expect(side.receive()).rejects.toMatchObject({ code: "disconnected" });
      await side.end();
      side.destroy();
    }
  });

  it("destroy frees a sender that waits for room", async () => {
    const { left } = await connect();
    const sending = (async () => {
      for (;;) await left.send(patterned(256 * 1024, 1));
    })();
    const failed = expect(sending).rejects.toMatchObject({ code: "disconnected" });
    left.destroy();
    await failed;
  });

  it("two calls of receive at once are refused", async () => {
    const { left, right } = await connect();
    const first = left.receive();
    await expect(left.receive()).rejects.toMatchObject({ code: "internal" });
    await right.send(patterned(4, 1));
    expect((await first)?.length).toBe(4);
  });
}

/** Bytes that differ by place and by frame. */
function patterned(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 17 + (i >> 8)) & 0xff;
  return bytes;
}

function fingerprint(frame: Uint8Array): string {
  return `${frame.length} ${createHash("sha256").update(frame).digest("hex")}`;
}

async function sendAll(connection: FrameConnection, frames: readonly Uint8Array[], end = true): Promise<void> {
  for (const frame of frames) await connection.send(frame);
  if (end) await connection.end();
}

async function sendNumbers(connection: FrameConnection, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const frame = Buffer.alloc(20);
    frame.writeUInt32BE(i);
    await connection.send(frame);
  }
  await connection.end();
}

async function collect(connection: FrameConnection): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for (let frame = await connection.receive(); frame !== null; frame = await connection.receive()) frames.push(frame);
  return frames;
}

async function drain(connection: FrameConnection): Promise<number> {
  return (await collect(connection)).length;
}

/** Waits until `count` has stopped growing over many turns of the event loop. */
async function settled(count: () => number): Promise<void> {
  let still = 0;
  for (let last = -1; still < 2000; ) {
    await new Promise((resolve) => setImmediate(resolve));
    still = count() === last ? still + 1 : 0;
    last = count();
  }
}

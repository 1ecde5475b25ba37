/** A master that says whatever a test wants, and what it must hear. */
import { expect } from "vitest";
import { decodeFrame, encodeFrame } from "../../../protocol/frame.ts";
import type { Message } from "../../../protocol/messages/index.ts";
import { PROTOCOL_VERSION } from "../../../protocol/version.ts";
import type { MailboxStore } from "../../../src/store/store.ts";
import { type ReplicaOptions, serveReplica } from "../../../src/sync/replica.ts";
import { createPair } from "../../../src/transport/pair.ts";
import type { FrameConnection } from "../../../src/transport/transport.ts";

export const HELLO: Message = {
  t: "hello",
  v: 3,
  epoch: "e".repeat(32),
  node: "hostile",
  nonce: new Uint8Array(32),
  proof: new Uint8Array(),
  recent: new Uint8Array(),
  many: true,
};

/** The same greeting in another version of the protocol. */
export function inOtherVersion(greeting: Message): Uint8Array {
  const frame = Buffer.from(encodeFrame(greeting));
  frame[frame.indexOf(Buffer.of(0xa1, 0x76, PROTOCOL_VERSION)) + 2] = 99;
  return frame;
}

/** A master that says what the test wants. */
export class Speaker {
  readonly #connection: FrameConnection;
  readonly served: Promise<unknown>;

  /** @param store of the replica it speaks to. */
  constructor(store: MailboxStore, options: ReplicaOptions = { node: "replica" }) {
    const [master, replica] = createPair();
    this.#connection = master;
    this.served = serveReplica(store, replica, options).catch((error: unknown) => error);
  }

  async say(...messages: Message[]): Promise<void> {
    for (const message of messages) await this.#connection.send(encodeFrame(message));
  }

  async saySomething(frame: Uint8Array): Promise<void> {
    await this.#connection.send(frame);
  }

  async hear(): Promise<Message> {
    const frame = await this.#connection.receive();
    if (frame === null) throw new Error("The replica ended the connection.");
    return decodeFrame(frame);
  }

  /** Greets and skips the answer. */
  async greet(): Promise<void> {
    await this.say(HELLO);
    expect((await this.hear()).t).toBe("challenge");
    expect((await this.hear()).t).toBe("hello");
  }

  /** The connection is over with this code. */
  async expectRefusal(code: string): Promise<void> {
    for (let heard = await this.hear(); ; heard = await this.hear()) {
      if (heard.t !== "error") continue;
      expect(heard.code).toBe(code);
      break;
    }
    await this.#connection.end();
    expect(await this.served).toMatchObject({ code });
  }

  /** The request failed with this code, and the connection goes on. */
  async expectFailure(q: number, code: string): Promise<void> {
    for (let heard = await this.hear(); ; heard = await this.hear()) {
      if (heard.t === "need") continue;
      expect(heard).toMatchObject({ t: "failed", q, code });
      break;
    }
    await this.expectServed();
  }

  async expectServed(): Promise<void> {
    await this.say({
      t: "survey",
      q: 999,
      account: null,
      mailboxId: null,
      base: new Uint8Array(16),
      list: null,
      complete: true,
    });
    for (let heard = await this.hear(); heard.t !== "surveyed"; heard = await this.hear())
      expect(heard.t).not.toBe("error");
    await this.#connection.end();
    expect(await this.served).toBeUndefined();
  }
}

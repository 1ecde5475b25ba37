/**
 * The in-process pair keeps the transport contract, and its bounds are exact.
 */
import { describe, expect, it } from "vitest";
import { createPair } from "../../src/transport/pair.ts";
import { transportContract } from "../contract/transport-contract.ts";

transportContract("in-process pair", async () => {
  const [left, right] = createPair();
  return { left, right, close: async () => {} };
});

describe("pair", () => {
  it("a sender waits from the frame that goes over the bound until half is taken", async () => {
    const [left, right] = createPair({ bytes: 1000, frames: 4 });
    let sent = 0;
    const sending = (async () => {
      for (; sent < 8; sent++) await left.send(new Uint8Array(10));
    })();
    await turns();
    expect(sent).toBe(4);
    for (let i = 0; i < 2; i++) await right.receive();
    await turns();
    expect(sent).toBe(4);
    await right.receive();
    await turns();
    expect(sent).toBe(7);
    for (let i = 0; i < 5; i++) await right.receive();
    await sending;
    expect(sent).toBe(8);
  });

  it("what was sent before the peer broke off can still be received", async () => {
    const [left, right] = createPair();
    await left.send(new Uint8Array(3));
    left.destroy();
    expect((await right.receive())?.length).toBe(3);
    await expect(right.receive()).rejects.toMatchObject({ code: "disconnected" });
  });
});

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/**
 * The heartbeat counts progress: busy and paused connections live, silent ones die.
 */
import { describe, expect, it } from "vitest";
import { FIRST_PULSE, nextPulse, type Pulse } from "../../src/transport/heartbeat.ts";

function pulseOf(beats: readonly { bytesRead: number; paused?: boolean }[]): Pulse {
  return beats.reduce((pulse, beat) => nextPulse(pulse, beat.bytesRead, beat.paused ?? false), FIRST_PULSE);
}

describe("heartbeat", () => {
  it("counts beats without a byte", () => {
    expect(pulseOf([{ bytesRead: 9 }, { bytesRead: 9 }, { bytesRead: 9 }]).silent).toBe(2);
  });

  it("any byte is a sign of life", () => {
    expect(pulseOf([{ bytesRead: 9 }, { bytesRead: 9 }, { bytesRead: 10 }]).silent).toBe(0);
  });

  it("a side that does not read does not count silence against the peer", () => {
    const paused = Array.from({ length: 50 }, () => ({ bytesRead: 9, paused: true }));
    expect(pulseOf([{ bytesRead: 9 }, ...paused]).silent).toBe(0);
    expect(pulseOf([{ bytesRead: 9 }, ...paused, { bytesRead: 9 }]).silent).toBe(1);
  });
});

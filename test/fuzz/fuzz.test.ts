/**
 * P12: a short run of `npm run fuzz`. TANDEM_SEED is the first seed.
 */
import { describe, expect, it } from "vitest";
import { fuzzFrames } from "./frames.ts";
import { fuzzInputs } from "./inputs.ts";
import { fuzzSessions } from "./sessions.ts";

const SEED = Number(process.env["TANDEM_SEED"] ?? 1);
const FRAMES = 20_000;
const SESSIONS = 300;
const FILES = 100;
/** What the frames of one run may leave behind, in bytes: nothing grows with their number. */
const MOST_LEFT = 256 * 1024 * 1024;

describe("P12: fuzzing", () => {
  it("hostile frames are refused in order", () => {
    const before = process.memoryUsage().heapUsed;
    const { frames, taken } = fuzzFrames(SEED, FRAMES);
    expect(frames).toBe(FRAMES);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(FRAMES / 2);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(MOST_LEFT);
  });

  it("hostile masters and replicas leave stores valid, and others are served", async () => {
    expect(await fuzzSessions(SEED, SESSIONS)).toBe(2 * SESSIONS);
  });

  it("hostile mbox, Maildir and configuration files are read to their end", async () => {
    expect(await fuzzInputs(SEED, FILES)).toBe(3 * FILES);
  });
});

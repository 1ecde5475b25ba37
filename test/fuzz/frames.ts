/**
 * Fuzzing frames: whatever arrives is a message, or is refused with a code (P12).
 */
import { decodeFrame, encodeFrame } from "../../protocol/frame.ts";
import { decodeBatch } from "../../src/model/decode-batch.ts";
import { isTandemError } from "../../src/model/errors.ts";
import { generator } from "../merge/model/random.ts";
import { allSamples } from "../protocol/samples.ts";
import { type Below, mutatedBytes, mutatedFields, pickOf, randomBytes } from "./mutate.ts";

const REFUSALS: readonly string[] = ["bad-frame", "bad-message", "limit", "version"];
const SAMPLES = allSamples().map(({ message }) => ({ message, frame: Buffer.from(encodeFrame(message)) }));
const BATCHES = SAMPLES.flatMap(({ message }) => ("batches" in message ? message.batches : []));

/** What became of the frames. */
export interface FrameCounts {
  frames: number;
  /** Those that are messages all the same. */
  taken: number;
}

/** A frame of this seed. */
export function frameOf(seed: number): Buffer {
  const below = generator(seed);
  const { message, frame } = pickOf(below, SAMPLES);
  const kind = below(10);
  if (kind < 4) return mutatedFields(below, message);
  if (kind < 9) return mutatedBytes(below, frame);
  return randomBytes(below, below(300));
}

/** Tries the frames of some seeds, and as many batches of records. @throws Error that names the seed of one that is not refused in order. */
export function fuzzFrames(first: number, count: number): FrameCounts {
  const counts = { frames: 0, taken: 0 };
  for (let seed = first; seed < first + count; seed++) {
    if (isTaken(seed, () => decodeFrame(frameOf(seed)))) counts.taken++;
    isTaken(seed, () => decodeBatch(batchOf(generator(seed))));
    counts.frames++;
  }
  return counts;
}

function batchOf(below: Below): Buffer {
  return mutatedBytes(below, pickOf(below, BATCHES));
}

function isTaken(seed: number, take: () => unknown): boolean {
  try {
    take();
    return true;
  } catch (error) {
    if (isTandemError(error) && REFUSALS.includes(error.code)) return false;
    throw new Error(`The frame of seed ${seed} is not refused in order: ${String(error)}`, { cause: error });
  }
}

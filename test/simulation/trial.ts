/**
 * One world from a plan, and what it breaks; a plan that breaks something made shorter.
 */
import { type Broken, Violation } from "../merge/model/violation.ts";
import type { StoreKind } from "../sync/support/stores.ts";
import type { Event, Plan } from "./event.ts";
import { playAndJudge } from "./judge.ts";
import { SimulatedWorld } from "./world.ts";

/** What a world broke: a promise, or "fault" for whatever else was thrown. */
export interface Failure {
  readonly broken: Broken | "fault";
  readonly message: string;
}

/** Plays a plan; null if all promises hold. */
export async function failureOf(plan: Plan, kind: StoreKind): Promise<Failure | null> {
  const world = await SimulatedWorld.open(plan, kind);
  try {
    await playAndJudge(world);
    return null;
  } catch (error) {
    if (error instanceof Violation) return { broken: error.broken, message: error.message };
    return { broken: "fault", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    await world.close();
  }
}

/** Trials that making a plan shorter may take, and real milliseconds: worlds that never rest take long. */
const MOST_TRIALS = 1_500;
const MOST_MS = 90_000;

/** The shortest plan found by leaving out events that still breaks the same. */
export async function shrink(plan: Plan, kind: StoreKind, broken: Failure["broken"]): Promise<Plan> {
  let best = plan;
  let trials = 0;
  const end = performance.now() + MOST_MS;
  const isOver = () => ++trials > MOST_TRIALS || performance.now() > end;
  const breaks = async (one: Plan) => !isOver() && (await failureOf(one, kind))?.broken === broken;
  for (let size = Math.ceil(best.events.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = best.events.length - size; at >= 0; at -= size) {
      const shorter = { ...best, events: best.events.toSpliced(at, size) };
      if (await breaks(shorter)) best = shorter;
    }
  for (const at of best.events.keys())
    for (const simpler of simplerThan(best.events[at] as Event)) {
      const candidate = { ...best, events: best.events.with(at, simpler) };
      if (await breaks(candidate)) best = candidate;
    }
  return best;
}

/** Without a pause, with rounder numbers, and with the first message in place of another. */
function simplerThan(event: Event): Event[] {
  const simpler: Event[] = [];
  if (event.after > 0) simpler.push({ ...event, after: 0 });
  if ("pick" in event && event.pick > 0) simpler.push({ ...event, pick: 0 });
  if ("slow" in event && event.slow) simpler.push({ ...event, slow: false });
  if ("downMs" in event && event.downMs > 0) simpler.push({ ...event, downMs: 0 });
  return simpler;
}

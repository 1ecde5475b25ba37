/**
 * A store as one process sees it that may die at every commit: right before it, or right after it. What the process asks for
 * afterwards never comes back, as nothing does in a dead process.
 */
import { TandemError } from "../../src/model/errors.ts";
import type { Settlement } from "../../src/store/change-log.ts";
import type { CursorRow, MailboxStore } from "../../src/store/store.ts";
import type { SimulatedClock } from "./clock.ts";
import { COMMITS, type Commit } from "./event.ts";
import type { LightCommits } from "./light-commits.ts";

export interface ProcessSettings {
  readonly clock: SimulatedClock;
  readonly isAlive: () => boolean;
  /** Delay of the next commit in milliseconds, 0 for none. */
  readonly delay: () => number;
  readonly isFull: () => boolean;
  /** Asked before and after each commit; true if the process dies here. */
  readonly diesAt: (commit: Commit, when: "before" | "after") => boolean;
  /** Told of each commit of records or entries. */
  readonly onCommit: () => Promise<void>;
  /** What a power cut would take. */
  readonly light: LightCommits;
}

const SHOWN: readonly Commit[] = ["apply", "applyTree"];
type Call = (...args: readonly unknown[]) => unknown;

export function processStore(store: MailboxStore, settings: ProcessSettings): MailboxStore {
  const log = guarded(store.log, settings);
  return new Proxy(guarded(store, settings), {
    get: (target, key) => (key === "log" ? log : Reflect.get(target, key)),
  });
}

/** The object with its methods bound to this process. */
function guarded<T extends object>(target: T, settings: ProcessSettings): T {
  const methods = new Map<PropertyKey, Call>();
  return new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (key === "watch") return value.bind(target);
      const known = methods.get(key) ?? methodOf(key as string, value.bind(target) as Call, settings);
      methods.set(key, known);
      return known;
    },
  });
}

function methodOf(name: string, call: Call, settings: ProcessSettings): Call {
  const { clock, isAlive } = settings;
  const commit = COMMITS.find((one) => one === name);
  if (commit !== undefined) return (...args) => commitOf(commit, call, args, settings);
  return async (...args) => {
    if (!isAlive()) return never();
    const result = await clock.during(async () => call(...args));
    return isAlive() ? result : never();
  };
}

async function commitOf(
  commit: Commit,
  call: Call,
  args: readonly unknown[],
  settings: ProcessSettings,
): Promise<unknown> {
  const { clock, isAlive, delay, isFull, diesAt, onCommit } = settings;
  const ms = delay();
  if (ms > 0) await clock.sleep(ms);
  if (!isAlive() || diesAt(commit, "before")) return never();
  if (isFull()) throw new TandemError("io", "No space is left on the disk; make some.");
  const result = await clock.during(async () => {
    await noteLight(settings.light, commit, args);
    const made = await call(...args);
    if (made === "applied") settings.light.made();
    if (SHOWN.includes(commit)) await onCommit();
    return made;
  });
  return isAlive() && !diesAt(commit, "after") ? result : never();
}

async function noteLight(light: LightCommits, commit: Commit, [name, rows]: readonly unknown[]): Promise<void> {
  if (commit === "saveCursors") await light.cursorsSaved(name as string, rows as CursorRow[]);
  if (commit === "settle") await light.settled(name as string, rows as Settlement[]);
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

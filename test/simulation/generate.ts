/**
 * Plans from a seed: the same seed is the same plan everywhere.
 */
import { generator } from "../merge/model/random.ts";
import { COMMITS, type Event, FLAGS, type Plan } from "./event.ts";

/** What may happen in a world; drawn once for each, so that gentle and rough ones are both frequent. */
interface Weather {
  readonly nodes: number;
  readonly boxes: number;
  /** Milliseconds between two events, at most. */
  readonly pause: number;
  readonly twins: boolean;
  readonly tree: boolean;
  readonly purges: number;
  readonly lines: boolean;
  readonly crashes: boolean;
  readonly restores: boolean;
  readonly jumps: boolean;
  readonly full: boolean;
}

export interface PlanOptions {
  readonly nodes?: number | undefined;
  readonly steps?: number | undefined;
}

type Below = (n: number) => number;
type Step = Event extends infer E ? (E extends Event ? Omit<E, "after"> : never) : never;

const CLIENTS = 4;
/**
 * Nodes that may all make mailboxes of one name independently, at one moment. More than these do not come to rest: each pair
 * makes another one of the two that is left the alias of the other, while mailboxes get suffixes.
 */
const MOST_STRANGERS = 3;
/** Until a mailbox that was made on one node is everywhere, in milliseconds. */
const SETTLED_MS = 60_000;

export function planOf(seed: number, options: PlanOptions = {}): Plan {
  const below = generator(seed);
  const nodes = options.nodes ?? 2 + below(below(4) === 0 ? 4 : 2);
  const weather: Weather = {
    nodes,
    boxes: 1 + below(3),
    pause: [5, 100, 2_000][below(3)] ?? 5,
    twins: below(2) === 0,
    tree: below(3) === 0 && nodes <= MOST_STRANGERS,
    purges: below(3),
    lines: below(3) > 0,
    crashes: below(2) === 0,
    restores: below(4) === 0,
    jumps: below(4) === 0,
    full: below(4) === 0,
  };
  const steps = options.steps ?? 15 + below(60);
  const [frameMs, commitMs] = [[1, 20, 200][below(3)] ?? 1, [1, 10, 100][below(3)] ?? 1];
  const maker = new Maker(weather, below);
  const made = nodes <= MOST_STRANGERS ? [] : madeFirst(weather.boxes);
  const events = [...made, ...Array.from({ length: steps }, () => maker.next())];
  return { seed, nodes, frameMs, commitMs, events };
}

/** All mailboxes made on the first node, and brought to the others: the last event only takes time. */
function madeFirst(boxes: number): Event[] {
  const made = Array.from({ length: boxes }, (_, box): Event => ({ after: 0, do: "create", at: 0, box }));
  return [...made, { after: SETTLED_MS, do: "look", client: 0, at: 0, box: 0 }];
}

class Maker {
  readonly #weather: Weather;
  readonly #below: Below;
  #mails = 0;

  constructor(weather: Weather, below: Below) {
    this.#weather = weather;
    this.#below = below;
  }

  next(): Event {
    const below = this.#below;
    const after = below(4) === 0 ? below(10 * this.#weather.pause) : below(this.#weather.pause);
    return { after, ...this.#step(below(100)) } as Event;
  }

  #step(dice: number): Step {
    const { lines, crashes, restores, jumps, full, tree } = this.#weather;
    if (dice < 60) return this.#clientStep(dice);
    if (dice < 66) return { do: "look", client: this.#below(CLIENTS), at: this.#at(), box: this.#box() };
    if (dice < 70 && tree) return this.#treeStep();
    if (dice < 84 && lines) return this.#lineStep();
    if (dice < 91 && crashes) return this.#crashStep();
    if (dice < 95 && restores) return this.#restoreStep();
    if (dice < 97 && jumps) return { do: "jump", at: this.#at(), ms: (this.#below(2) * 2 - 1) * this.#below(600_000) };
    if (dice < 99 && full) return { do: "full", at: this.#at(), ms: this.#below(20_000) };
    return this.#clientStep(this.#below(60));
  }

  #clientStep(dice: number): Step {
    const below = this.#below;
    const where = { at: this.#at(), box: this.#box() };
    const pick = below(6);
    const slow = below(3) === 0;
    if (dice < 26) return { do: "deliver", ...where, mail: this.#mail(), slow };
    if (dice < 40) return { do: "flag", ...where, pick, flag: below(FLAGS.length), value: below(3) > 0, slow };
    if (dice < 50) return { do: "expunge", ...where, pick };
    if (dice < 53) return { do: "copy", ...where, pick, to: this.#box() };
    if (dice < 56) return { do: "move", ...where, pick, to: this.#box() };
    if (this.#weather.purges > 0) return { do: "purge", ...where, all: this.#weather.purges > 1 };
    return { do: "deliver", ...where, mail: this.#mail(), slow };
  }

  /** Sometimes a mail that came to some node before. */
  #mail(): number {
    if (this.#weather.twins && this.#mails > 0 && this.#below(3) === 0)
      return Math.max(1, this.#mails - this.#below(3));
    return ++this.#mails;
  }

  #treeStep(): Step {
    const where = { at: this.#at(), box: this.#box() };
    const kind = this.#below(4);
    if (kind === 0) return { do: "create", ...where };
    if (kind === 1) return { do: "delete", ...where };
    return { do: "rename", ...where, to: this.#below(this.#weather.boxes + 2) };
  }

  #lineStep(): Step {
    const below = this.#below;
    const [a, b] = this.#two();
    const kind = below(14);
    if (kind < 3) return { do: "cut", a, b };
    if (kind < 6) return { do: "mend", a, b };
    if (kind < 8) return { do: "stall", from: a, to: b };
    if (kind < 10) return { do: "flow", from: a, to: b };
    if (kind < 11) return { do: "half", at: a, other: b };
    if (kind < 13) return { do: "cutAfter", a, b, frames: 1 + below(12) };
    return { do: "loseAnswer", at: a, other: b };
  }

  #crashStep(): Step {
    const below = this.#below;
    const downMs = below(2) === 0 ? below(100) : below(20_000);
    if (below(5) === 0) return { do: "restart", at: this.#at(), downMs };
    const commit = COMMITS[below(COMMITS.length)] ?? "apply";
    const when = below(2) === 0 ? "before" : "after";
    return { do: "crash", at: this.#at(), commit, when, skip: below(3), downMs, power: below(2) === 0 };
  }

  #restoreStep(): Step {
    if (this.#below(2) === 0) return { do: "backup", at: this.#at() };
    return { do: "restore", at: this.#at(), downMs: this.#below(5_000) };
  }

  #at(): number {
    return this.#below(this.#weather.nodes);
  }

  #box(): number {
    return this.#below(this.#weather.boxes);
  }

  #two(): [number, number] {
    const a = this.#at();
    return [a, (a + 1 + this.#below(this.#weather.nodes - 1)) % this.#weather.nodes];
  }
}

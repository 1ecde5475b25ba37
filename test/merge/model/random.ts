/**
 * Random histories from a seed: the same seed gives the same history everywhere.
 */
import { seeded } from "../../seeded.ts";
import type { History, Op } from "./op.ts";

/** A generator of numbers below `below`. */
export function generator(seed: number): (below: number) => number {
  const next = seeded(seed);
  return (below) => Math.floor((next() / 2 ** 32) * below);
}

/** What may happen in a history; drawn once for each, so that gentle and rough ones are both frequent. */
interface Weather {
  readonly nodes: number;
  readonly mails: number;
  readonly purges: number;
  readonly splits: boolean;
  readonly restores: boolean;
}

export function randomHistory(seed: number): History {
  const below = generator(seed);
  const weather: Weather = {
    nodes: 2 + below(2),
    mails: [1, 2, 4, 9][below(4)] ?? 1,
    purges: below(4),
    splits: below(2) === 0,
    restores: below(3) === 0,
  };
  const length = 3 + below(below(2) === 0 ? 8 : 22);
  return { nodes: weather.nodes, ops: Array.from({ length }, () => randomOp(weather, below)) };
}

function randomOp(weather: Weather, below: (n: number) => number): Op {
  const at = below(weather.nodes);
  const dice = below(20);
  const pick = below(4);
  if (dice < 5) return { op: "deliver", at, mail: 1 + below(weather.mails) };
  if (dice < 6) return { op: "copy", at, pick };
  if (dice < 8) return { op: "flag", at, pick, flag: below(2), value: below(3) > 0 };
  if (dice < 11) return { op: "expunge", at, pick };
  const what = (["confirmed", "all", "raise"] as const)[weather.purges - 1];
  if (dice === 11 && what !== undefined) return { op: "purge", at, what };
  if (dice < 14 && weather.restores) return { op: below(2) === 0 ? "save" : "restore", at };
  return exchange(weather, below);
}

function exchange({ nodes, splits }: Weather, below: (n: number) => number): Op {
  const from = below(nodes);
  const to = (from + 1 + below(nodes - 1)) % nodes;
  if (!splits) return { op: "exchange", from, to };
  const part = below(6);
  if (part < 2) return { op: "exchange", from, to };
  if (part === 2) return { op: "exchange", from, to, lost: below(2) === 0 ? "driver" : "peer" };
  return { op: (["begin", "reach", "finish"] as const)[part - 3] ?? "begin", from, to };
}

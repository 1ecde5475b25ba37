/**
 * P1 to P11 in simulated worlds of two to five whole nodes: clients write, read by "changed since" and move between nodes,
 * lines are cut, held back and broken on one side, processes die at every commit, stores are restored, clocks jump, disks
 * are full. `npm run simulate` goes on for as long as it is told.
 *
 * TANDEM_SEED is the first seed, TANDEM_WORLDS how many follow; with TANDEM_SHORTEN=no a failure is told as it is, at once.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EMBEDDED, MEMORY, type StoreKind } from "../sync/support/stores.ts";
import { describeEvent, type Plan } from "./event.ts";
import { planOf } from "./generate.ts";
import { type Failure, failureOf, shrink } from "./trial.ts";

const FIRST_SEED = Number(process.env["TANDEM_SEED"] ?? 1);
const WORLDS = Number(process.env["TANDEM_WORLDS"] ?? 300);
const PORTION = Math.max(1, Math.ceil(WORLDS / 6));
const PORTIONS = Array.from({ length: Math.ceil(WORLDS / PORTION) }, (_, i) => {
  const from = FIRST_SEED + i * PORTION;
  return [from, Math.min(from + PORTION, FIRST_SEED + WORLDS) - 1] as const;
});
const EMBEDDED_WORLDS = 6;
const HOUR_MS = 3_600_000;

async function report(seed: number, kind: StoreKind, broken: Failure["broken"]): Promise<string> {
  const plan = planOf(seed);
  const shortest = process.env["TANDEM_SHORTEN"] === "no" ? plan : await shrink(plan, kind, broken);
  return [
    `Seed ${seed} breaks ${broken}; the shortest list of events found that does:`,
    ...shortest.events.map(describeEvent),
    (await failureOf(shortest, kind))?.message ?? "",
    `Keep it in test/simulation/found/: ${JSON.stringify(shortest)}`,
    `Repeat it: npm run simulate -- --seed ${seed} --store ${kind.kind}`,
  ].join("\n");
}

async function play(from: number, to: number, kind: StoreKind): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    const failure = await failureOf(planOf(seed), kind);
    if (failure !== null) expect.fail(await report(seed, kind, failure.broken));
  }
}

describe("P1-P11 hold in simulated worlds", () => {
  it.each(PORTIONS)(
    "seeds %i to %i",
    async (from, to) => {
      await play(from, to, MEMORY);
      expect(to).toBeGreaterThanOrEqual(from);
    },
    HOUR_MS,
  );

  it("on the embedded store too", () => play(FIRST_SEED, FIRST_SEED + EMBEDDED_WORLDS - 1, EMBEDDED), HOUR_MS);

  it("the same seed is the same world", async () => {
    expect(planOf(7)).toEqual(planOf(7));
    expect(planOf(7, { nodes: 3, steps: 5 })).toMatchObject({ nodes: 3 });
  });
});

interface Found extends Plan {
  readonly prevents: string;
}

const FOLDER = new URL("./found/", import.meta.url);
const FOUND = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Found);

describe("worlds in which a promise was once broken", () => {
  it.each(FOUND.map((found) => [found.prevents, found] as const))("%s", async (_prevents, found) => {
    expect((await failureOf(found, MEMORY))?.message ?? "holds").toBe("holds");
  });
});

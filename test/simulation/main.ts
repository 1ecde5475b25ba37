/**
 * `npm run simulate`: worlds of whole nodes from seeds, for as long as it is told; a failure is made short and printed with
 * the command that repeats it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { EMBEDDED, MEMORY, type StoreKind } from "../sync/support/stores.ts";
import { describeEvent, MOST_NODES, type Plan } from "./event.ts";
import { planOf } from "./generate.ts";
import { type Failure, failureOf, shrink } from "./trial.ts";

interface Options {
  readonly seed: number;
  readonly seeds?: number;
  readonly for?: number;
  readonly nodes?: number;
  readonly steps?: number;
  readonly store: "memory" | "embedded";
  readonly plan?: string;
  readonly keep?: string;
}

const HELP = `
Without --seeds and --for, one world is tried. Exit status 0: all promises held; 1: one was broken.

Examples:
  npm run simulate -- --seed 17 --nodes 3 --steps 60
  npm run simulate -- --seed 1 --for 600
  npm run simulate -- --seed 1 --seeds 50 --store embedded
  npm run simulate -- --plan test/simulation/found/NAME.json`;

const program = new Command("npm run simulate --")
  .description("Tries the promises in simulated worlds: whole nodes on virtual time, with everything going wrong.")
  .addOption(new Option("--seed <n>", "the first seed").default(1).argParser(wholeNumber))
  .addOption(new Option("--seeds <n>", "how many worlds, one for each seed").argParser(wholeNumber).conflicts("for"))
  .addOption(new Option("--for <seconds>", "go on for so long").argParser(wholeNumber))
  .addOption(new Option("--nodes <n>", "2 to 5; drawn from the seed by default").argParser(nodeNumber))
  .addOption(new Option("--steps <n>", "events; drawn from the seed by default").argParser(wholeNumber))
  .addOption(
    new Option("--store <kind>", "what the nodes keep mail in").choices(["memory", "embedded"]).default("memory"),
  )
  .option("--plan <file>", "play this list of events in place of a seed's")
  .option("--keep <file>", "write the shortened list of events of a failure to this file")
  .addHelpText("after", HELP)
  .action(simulate);

async function simulate(options: Options): Promise<void> {
  const kind = options.store === "memory" ? MEMORY : EMBEDDED;
  if (options.plan !== undefined) {
    const plan = JSON.parse(readFileSync(options.plan, "utf8")) as Plan;
    return report(await failureOf(plan, kind), plan, kind, options, `--plan ${options.plan}`);
  }
  const end = options.for === undefined ? 0 : Date.now() + options.for * 1000;
  const isOver = (worlds: number) => (options.for === undefined ? worlds >= (options.seeds ?? 1) : Date.now() >= end);
  let worlds = 0;
  for (; !isOver(worlds) && !process.exitCode; worlds++) {
    const seed = options.seed + worlds;
    const plan = planOf(seed, options);
    const failure = await failureOf(plan, kind);
    const given = [`--seed ${seed}`, ...["nodes", "steps"].flatMap((key) => argument(key, options))].join(" ");
    if (failure !== null) await report(failure, plan, kind, options, given);
    else if (worlds % 100 === 99) process.stderr.write(`${worlds + 1} worlds, seed ${seed}\n`);
  }
  if (!process.exitCode)
    process.stdout.write(
      `All promises held in ${worlds} worlds, seeds ${options.seed} to ${options.seed + worlds - 1}.\n`,
    );
}

function argument(key: string, options: Options): string[] {
  const value = (options as unknown as Record<string, unknown>)[key];
  return value === undefined ? [] : [`--${key} ${value}`];
}

async function report(
  failure: Failure | null,
  plan: Plan,
  kind: StoreKind,
  options: Options,
  given: string,
): Promise<void> {
  if (failure === null) return void process.stdout.write("All promises held.\n");
  process.exitCode = 1;
  process.stdout.write(
    `${given}: ${failure.broken} is broken. Making the list of ${plan.events.length} events shorter ...\n`,
  );
  const shortest = await shrink(plan, kind, failure.broken);
  const again = (await failureOf(shortest, kind)) ?? failure;
  process.stdout.write(`${tell(shortest)}\n${again.message}\n`);
  process.stdout.write(`As a file for test/simulation/found/: ${JSON.stringify(shortest)}\n`);
  if (options.keep !== undefined) writeFileSync(options.keep, `${JSON.stringify(shortest, null, 1)}\n`);
  process.stdout.write(`Repeat it: npm run simulate -- ${given} --store ${options.store}\n`);
}

function tell({ nodes, frameMs, commitMs, events }: Plan): string {
  const head = `${nodes} nodes; a frame takes up to ${frameMs} ms, a commit up to ${commitMs} ms`;
  return [head, ...events.map(describeEvent)].join("\n");
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

function nodeNumber(text: string): number {
  const nodes = wholeNumber(text);
  if (nodes < 2 || nodes > MOST_NODES) throw new InvalidArgumentError(`Give 2 to ${MOST_NODES}.`);
  return nodes;
}

await program.parseAsync();

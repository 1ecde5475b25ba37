/**
 * P6, P7, P11 and scenario 52: daemons and writers are killed at random moments while everything is under load, and started
 * again at once; in the end both nodes hold the same, and all that a writer was told is done.
 *
 * TANDEM_KILLS is how many kills there are, ten to a pair of stores; TANDEM_SEED is the seed of the first pair.
 */
import { expect, test } from "vitest";
import { generator } from "../../merge/model/random.ts";
import { Ledger } from "./support/ledger.ts";
import {
  createMailboxes,
  endAll,
  expectInStep,
  PATIENCE_MS,
  quiet,
  type RealNode,
  withNodes,
} from "./support/nodes.ts";
import type { Process } from "./support/process.ts";

const KILLS = Number(process.env["TANDEM_KILLS"] ?? 20);
const KILLS_OF_A_PAIR = 10;
const FIRST_SEED = Number(process.env["TANDEM_SEED"] ?? 1);
const SEEDS = Array.from({ length: Math.ceil(KILLS / KILLS_OF_A_PAIR) }, (_, i) => FIRST_SEED + i);

/** Both nodes write to the first, and each to one of its own. */
const MAILBOXES = ["INBOX", "A", "B"];
/** Who is killed, as numbers of the processes of a pair: daemon and writer of A, daemon and writer of B. */
const VICTIMS = [[0], [1], [2], [3], [0, 1], [2, 3], [0, 2], [0, 1, 2, 3]] as const;

/** Daemons and writers of two nodes, each started anew when it was killed. */
class Pair {
  readonly log: string[] = [];
  readonly ledger = new Ledger();
  readonly #nodes: readonly RealNode[];
  readonly #below: (n: number) => number;
  readonly #processes: Process[] = [];
  #started = 0;

  constructor(nodes: readonly RealNode[], below: (n: number) => number) {
    this.#nodes = nodes;
    this.#below = below;
  }

  async start(): Promise<void> {
    const daemons = this.#nodes.map((node) => node.startDaemon());
    // The mailboxes have to be there before anybody writes to them.
    await quiet(this.#nodes);
    for (const [i, daemon] of daemons.entries()) this.#processes.push(daemon, this.#startWriter(i));
  }

  /**
   * Kills somebody at a moment that is counted in what a process has printed: what a writer was told is done, or the events
   * of a daemon. Nothing at all is a moment, too: that of its start.
   */
  async killSomebody(): Promise<void> {
    const victims = VICTIMS[this.#below(VICTIMS.length)] ?? [0];
    const clock = this.#processes[this.#below(4)] as Process;
    const lines =
      this.#below(3) === 0 ? 0 : this.#below(clock === this.#processes[0] || clock === this.#processes[2] ? 8 : 60);
    await clock.printed(clock.lines.length + lines);
    for (const process of this.#processes)
      expect({ isOver: process.isOver, errors: process.errors }).toEqual({ isOver: false, errors: "" });
    await Promise.all(victims.map((i) => this.#processes[i]?.kill()));
    this.log.push(`killed ${victims.map(nameOf).join(", ")}, ${lines} lines after the one before`);
    for (const i of victims) this.#startAgain(i);
  }

  /** Lets the writers end, and the daemons bring everything over. */
  async rest(): Promise<void> {
    for (const i of [1, 3]) this.ledger.take((await this.#processes[i]?.finish()) ?? []);
    await quiet(this.#nodes);
    await expectInStep(this.#nodes, this.ledger);
    await endAll([0, 2].map((i) => this.#processes[i] as Process));
  }

  #startAgain(i: number): void {
    const of = Math.floor(i / 2);
    if (i % 2 === 1) this.ledger.take(this.#processes[i]?.lines ?? []);
    this.#processes[i] = i % 2 === 1 ? this.#startWriter(of) : (this.#nodes[of] as RealNode).startDaemon();
  }

  #startWriter(of: number): Process {
    const tag = `writer ${++this.#started}`;
    const seed = this.#below(1_000_000);
    const mailboxes = ["INBOX", of === 0 ? "A" : "B"];
    return (this.#nodes[of] as RealNode).startWriter({ tag, seed, mailboxes, atOnce: 3, edits: true });
  }
}

function nameOf(i: number): string {
  return `${i % 2 === 0 ? "daemon" : "writer"} ${i < 2 ? "A" : "B"}`;
}

async function play(seed: number): Promise<void> {
  const log: string[] = [];
  try {
    await withNodes(["a", "b"], async (a, b) => {
      await createMailboxes(a, MAILBOXES);
      const pair = new Pair([a, b], generator(seed));
      await pair.start();
      for (let i = 0; i < KILLS_OF_A_PAIR; i++) {
        await pair.killSomebody();
        log.push(...pair.log.splice(0));
      }
      await pair.rest();
      if (SEEDS.length > 2)
        process.stderr.write(`seed ${seed}: ${KILLS_OF_A_PAIR} kills, ${pair.ledger.size} messages, nothing lost\n`);
    });
  } catch (error) {
    const rerun = `TANDEM_SEED=${seed} TANDEM_KILLS=${KILLS_OF_A_PAIR} npx vitest run test/replicator/processes/kills`;
    throw new Error([`Seed ${seed} fails: ${String(error)}`, ...log, `Repeat it: ${rerun}`].join("\n"), {
      cause: error,
    });
  }
}

test.each(SEEDS)(
  `P6, P7, P11: seed %i, ${KILLS_OF_A_PAIR} kills under load, and nothing that was acknowledged is lost`,
  play,
  PATIENCE_MS,
);

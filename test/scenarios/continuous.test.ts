/** The scenarios of continuous replication in which a node goes away and comes back, by number. */
import { expect, test, vi } from "vitest";
import { generator } from "../merge/model/random.ts";
import { Ledger } from "../replicator/processes/support/ledger.ts";
import {
  createMailboxes,
  endAll,
  eventsOf,
  expectInStep,
  PATIENCE_MS,
  quiet,
  type RealNode,
  told,
  withNodes,
} from "../replicator/processes/support/nodes.ts";
import type { Process } from "../replicator/processes/support/process.ts";
import { Cluster } from "../replicator/support/cluster.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { killChild, nextLine, startChild } from "../store/processes.ts";
import { MEMORY } from "../sync/support/stores.ts";

vi.setConfig({ testTimeout: PATIENCE_MS });

/** Turns of the event loop in which a failed call comes to its end. */
const TURNS = 20;

test("scenario 48: while B is down A calls at growing, jittered intervals up to a cap, and catches up once B is back", async () => {
  const clock = new SimulatedClock();
  const environment = clock.environment(generator(48));
  const cluster = await Cluster.open(MEMORY, ["a", "b"], { environment });
  const [a, b] = [cluster.member("a"), cluster.member("b")];
  const calls: number[] = [];
  const connect = async () => {
    calls.push(clock.now);
    return b.accept(a);
  };
  try {
    await a.node.create();
    a.start({ environment, peer: { connect } });
    // What is under way sets its own timer first: others wait for much longer.
    while (calls.length < 20) {
      for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance();
    }
    const delays = calls.slice(1).map((at, i) => at - (calls[i] as number));
    for (const [i, delay] of delays.entries()) {
      const most = Math.min(30_000, 250 * 2 ** i);
      expect(delay).toBeGreaterThanOrEqual(most / 2);
      expect(delay).toBeLessThanOrEqual(most);
    }
    expect(new Set(delays.slice(8)).size).toBeGreaterThan(5);
    // The same reason is not told again and again.
    const told = a.events.map(({ event }) => event).filter((event) => !event.startsWith("scrub"));
    expect(told).toEqual(["peer-unreachable"]);
    await a.node.deliver("INBOX", "while B was down");
    const back = clock.now;
    b.start();
    await cluster.quiet();
    expect(clock.now).toBe(back);
    expect(await b.node.messages("INBOX")).toEqual({ 1: "while B was down" });
    await cluster.expectIdentical();
  } finally {
    await cluster.close();
  }
});

/** Two nodes that replicate, with mailboxes for both and for each alone. */
function withPair(story: (a: RealNode, b: RealNode, daemons: [Process, Process]) => Promise<void>): Promise<void> {
  return withNodes(["a", "b"], async (a: RealNode, b: RealNode) => {
    await createMailboxes(a, ["INBOX", "A", "B"]);
    const daemons: [Process, Process] = [a.startDaemon(), b.startDaemon()];
    await quiet([a, b]);
    await story(a, b, daemons);
    await endAll(daemons);
  });
}

/** Takes what the writers did, once they are done and both nodes are quiet, and judges both by it. */
async function expectAllThere(nodes: readonly RealNode[], writers: readonly Process[]): Promise<void> {
  const ledger = new Ledger();
  for (const writer of writers) ledger.take(await writer.finish());
  await quiet(nodes);
  await expectInStep(nodes, ledger);
}

test("scenario 52: a daemon killed at any moment has lost nothing and doubled nothing when it is started again", () =>
  withPair(async (a, b, daemons) => {
    const writers = [
      a.startWriter({ tag: "a", seed: 1, mailboxes: ["INBOX", "A"] }),
      b.startWriter({ tag: "b", seed: 2, mailboxes: ["INBOX", "B"] }),
    ];
    for (const acknowledged of [1, 20, 50]) {
      await writers[0]?.printed(acknowledged);
      await daemons[0].kill();
      daemons[0] = a.startDaemon();
    }
    await expectAllThere([a, b], writers);
  }));

test("scenario 53: a writer killed in a transaction leaves nothing, and everybody else goes on at once", () =>
  withPair(async (a, b) => {
    const held = startChild("hold", [a.directory]);
    expect(await nextLine(held)).toBe("in the middle");
    const [onA, onB] = [
      a.startWriter({ tag: "a", seed: 1, mailboxes: ["INBOX"], count: 20 }),
      b.startWriter({ tag: "b", seed: 2, mailboxes: ["INBOX"], count: 20 }),
    ];
    await onB.printed(20);
    expect(onA.lines).toEqual([]);
    await killChild(held);
    await onA.printed(20);
    await expectAllThere([a, b], [onA, onB]);
  }));

test("scenario 55: B shut down politely during traffic costs one line, and is found again when it is back", () =>
  withPair(async (a, b, daemons) => {
    const writers = [
      a.startWriter({ tag: "a", seed: 1, mailboxes: ["A"] }),
      b.startWriter({ tag: "b", seed: 2, mailboxes: ["B"] }),
    ];
    for (const writer of writers) await writer.printed(20);
    const before = daemons[0].lines.length;
    await endAll([daemons[1]]);
    await told(daemons[0], ({ event }) => event === "peer-unreachable", before);
    daemons[1] = b.startDaemon();
    await expectAllThere([a, b], writers);
    const counts: Record<string, number> = {};
    // Of no peer: the scrub, which goes its own way.
    for (const { event, peer } of eventsOf(daemons[0], before))
      if (peer !== undefined && event !== "exchange-done" && event !== "survey-done")
        counts[event] = (counts[event] ?? 0) + 1;
    expect(counts).toEqual({
      "peer-connected": 1,
      "peer-disconnected": 1,
      "peer-unreachable": 1,
      "replica-connected": 1,
      "replica-ended": 1,
    });
  }));

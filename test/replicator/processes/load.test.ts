/**
 * Many real processes at once on the stores of nodes that replicate to each other: nothing is lost, nothing is doubled, no
 * UID is given twice, and what is listed is there.
 */

import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { isLive } from "../../../src/store/shared/blocks.ts";
import { recordsOf } from "../../sync/support/node.ts";
import { freePorts } from "../../transport/free-ports.ts";
import { ACCOUNT, Ledger } from "./support/ledger.ts";
import {
  createMailboxes,
  endAll,
  expectInStep,
  PATIENCE_MS,
  quiet,
  RealNode,
  withNodes,
  withStore,
} from "./support/nodes.ts";
import { Process } from "./support/process.ts";

vi.setConfig({ testTimeout: PATIENCE_MS });

const MAILBOXES = ["INBOX", "Lists", "Sent"];

async function ledgerOf(writers: readonly Process[]): Promise<Ledger> {
  const ledger = new Ledger();
  for (const writer of writers) ledger.take(await writer.done());
  return ledger;
}

test("P1, P3, P6, P7: 8 processes append 24,000 messages to the mailboxes of two nodes while both replicate", () =>
  withNodes(["a", "b"], async (a, b) => {
    await createMailboxes(a, MAILBOXES);
    const daemons = [a.startDaemon(), b.startDaemon()];
    await quiet([a, b]);
    const writers = Array.from({ length: 8 }, (_, i) =>
      (i % 2 === 0 ? a : b).startWriter({ tag: `writer ${i}`, seed: i, mailboxes: MAILBOXES, count: 3000, atOnce: 80 }),
    );
    const ledger = await ledgerOf(writers);
    expect(ledger.size).toBe(24_000);
    await quiet([a, b]);
    await expectInStep([a, b], ledger);
    await endAll(daemons);
  }));

/**
 * Nothing says which of the three may work on the channel: there are no claims at all, each takes every mailbox that is due
 * and believes that it is its own. Only compare-and-set decides whose result counts, and whoever comes second looks again.
 */
test("P13: three replicators on each node, all on the same channel, lose nothing and double nothing", () =>
  withNodes(["a", "b"], async (a, b) => {
    await createMailboxes(a, MAILBOXES);
    const ports = await freePorts(6);
    const start = (node: RealNode, peer: RealNode, i: number) => {
      const [own, theirs] = node === a ? [ports[i], ports[3 + i]] : [ports[3 + i], ports[i]];
      return node.startDaemon(own, { [peer.name]: `ws://127.0.0.1:${theirs}` });
    };
    const daemons = [0, 1, 2].flatMap((i) => [start(a, b, i), start(b, a, i)]);
    await quiet([a, b]);
    const writers = [a, b, a, b].map((node, i) =>
      node.startWriter({ tag: `writer ${i}`, seed: i, mailboxes: MAILBOXES, count: 150, atOnce: 5, edits: true }),
    );
    const ledger = await ledgerOf(writers);
    expect(ledger.size).toBe(600);
    await quiet([a, b]);
    await expectInStep([a, b], ledger);
    await endAll(daemons);
  }));

test("the same store, account and mailboxes made at one moment by many processes on both nodes are one", () =>
  withNodes(["a", "b"], async (a, b) => {
    const [deepA, deepB] = [a, b].map(
      ({ name, directory, port, peers }) => new RealNode(name, join(directory, "not", "there", "yet"), port, peers),
    ) as [RealNode, RealNode];
    const nodes = [deepA, deepB, deepA, deepB, deepA, deepB];
    const creators = nodes.map(({ directory }, i) => Process.child("create", [directory, `creator ${i}`]));
    for (const creator of creators) await creator.printed(1);
    for (const creator of creators) creator.say("INBOX");
    const daemons = [deepA.startDaemon(), deepB.startDaemon()];
    for (const creator of creators) await creator.printed(2);
    await quiet([deepA, deepB]);
    for (const creator of creators) creator.say("Lists");
    const lines = (await Promise.all(creators.map((creator) => creator.finish()))).flat();
    await quiet([deepA, deepB]);
    const made = lines.filter((line) => line.startsWith("+")).map((line) => line.split(" ").at(-1));
    expect(new Set(made).size).toBe(12);
    expect(await guidsOf(deepA)).toEqual(made.sort());
    await expectInStep([deepA, deepB], new Ledger());
    await endAll(daemons);
  }));

/** GUIDs of all live messages, in order. */
function guidsOf(node: RealNode): Promise<string[]> {
  return withStore(node, async (store) => {
    const { mailboxes } = await store.tree(ACCOUNT);
    expect(mailboxes.flatMap(({ entry }) => (entry.deleted ? [] : [entry.name])).sort()).toEqual(["INBOX", "Lists"]);
    const all = await Promise.all(mailboxes.map(({ entry }) => recordsOf(store, ACCOUNT, entry.mailboxId)));
    return all
      .flat()
      .filter(isLive)
      .map(({ guid }) => guid)
      .sort();
  });
}

test("a message that is listed can be read as a whole, whether it was appended here or came from the other node", () =>
  withNodes(["a", "b"], async (a, b) => {
    await createMailboxes(a, MAILBOXES);
    const daemons = [a.startDaemon(), b.startDaemon()];
    await quiet([a, b]);
    const readers = [a, b, a, b].map(({ directory }) => Process.child("reader", [directory]));
    // Some of them cross the link in many parts.
    const large = { size: 3_000_000, count: 8, mailboxes: ["Sent"] };
    const small = { size: 3000, count: 100, mailboxes: ["INBOX", "Lists"] };
    const writers = [small, large].flatMap((options, i) =>
      [a, b].map((node, j) => node.startWriter({ tag: `writer ${i} ${j}`, seed: i, atOnce: 3, ...options })),
    );
    const ledger = await ledgerOf(writers);
    await quiet([a, b]);
    for (const reader of readers) {
      const lines = await reader.finish();
      expect(lines.filter((line) => line.startsWith("!"))).toEqual([]);
      expect(new Set(lines.map((line) => line.split(" ").at(-1))).size).toBe(ledger.size);
    }
    await expectInStep([a, b], ledger);
    await endAll(daemons);
  }));

/** Three nodes in a chain, a star and a mesh, written to at random, with exchanges that are half done: all become identical. */

import { describe, expect, test } from "vitest";
import { purgeTombstones } from "../../src/operations/index.ts";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncStores } from "../../src/sync/session.ts";
import { seededBelow } from "../seeded.ts";
import { dumpOf, expectIdentical, expectPromises, expectSound } from "./support/checks.ts";
import { ACCOUNT, Node } from "./support/node.ts";
import { decorated } from "./support/stores.ts";

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);
const STEPS = 24;
/** Rounds over all edges after which everything must be quiet. */
const MOST_ROUNDS = 5;

const TOPOLOGIES = {
  chain: [
    [0, 1],
    [1, 2],
  ],
  star: [
    [1, 0],
    [1, 2],
    [1, 3],
  ],
  mesh: [
    [0, 1],
    [1, 2],
    [2, 0],
  ],
} as const;

type Random = (limit: number) => number;

/** What clients did, to be held against what is there in the end. */
class Ledger {
  readonly delivered = new Set<string>();
  readonly expunged = new Set<string>();

  get expected(): string[] {
    return [...this.delivered].filter((text) => !this.expunged.has(text)).sort();
  }
}

async function pick<T>(random: Random, items: readonly T[]): Promise<T | undefined> {
  return items.length === 0 ? undefined : items[random(items.length)];
}

/** One thing that a client of a node does. */
async function write(random: Random, node: Node, ledger: Ledger): Promise<void> {
  const name = (await pick(random, await node.names())) as string;
  const uids = Object.keys(await node.messages(name)).map(Number);
  const uid = await pick(random, uids);
  const action = random(8);
  if (action <= 2 || uid === undefined) return deliver(node, name, ledger);
  if (action === 3) return expunge(node, name, uid, ledger);
  if (action === 4) await node.set(name, uid, (await pick(random, ["\\Seen", "\\Flagged", "$Label"])) as string);
  else if (action === 5) await node.clear(name, uid, "\\Seen", "\\Flagged");
  else if (action === 6)
    await node.rename(name, `${name.split(" ")[0]} by ${node.name} ${ledger.delivered.size}.${random(1e6)}`);
  else await purgeTombstones(node.store, ACCOUNT, name);
}

async function deliver(node: Node, name: string, ledger: Ledger): Promise<void> {
  const text = `mail ${ledger.delivered.size}`;
  ledger.delivered.add(text);
  await node.deliver(name, text);
}

async function expunge(node: Node, name: string, uid: number, ledger: Ledger): Promise<void> {
  ledger.expunged.add((await node.messages(name))[uid] as string);
  await node.expunge(name, uid);
}

/** An exchange; one that is cut off after the replica's commit reports a conflict. */
async function exchange(left: MailboxStore, right: MailboxStore, half: boolean): Promise<SyncResult> {
  const before = [await dumpOf(left), await dumpOf(right)];
  const master = half ? decorated(left, { apply: async () => "conflict" }) : left;
  const result = await syncStores(master, right, DEFAULT_SYNC_OPTIONS);
  expectPromises(before, [await dumpOf(left), await dumpOf(right)], half ? "own" : "both");
  if (!half) {
    expect(result.issues).toEqual([]);
    await expectIdentical(left, right);
  }
  return result;
}

async function allMail(node: Node): Promise<string[]> {
  const texts: string[] = [];
  for (const name of await node.names()) texts.push(...Object.values(await node.messages(name)));
  return texts.sort();
}

/** Exchanges over every edge until none of them has anything to do; returns how many rounds it took. */
async function settle(nodes: readonly Node[], edges: readonly (readonly [number, number])[]): Promise<number> {
  for (let round = 1; ; round++) {
    expect(round).toBeLessThanOrEqual(MOST_ROUNDS);
    let moved = 0;
    for (const [from, to] of edges) {
      const { recordsSent, recordsReceived } = await exchange(storeOf(nodes, from), storeOf(nodes, to), false);
      moved += recordsSent + recordsReceived;
    }
    const dumps = await Promise.all(nodes.map(async (node) => JSON.stringify((await dumpOf(node.store)).accounts)));
    if (moved === 0 && new Set(dumps).size === 1) return round;
  }
}

function storeOf(nodes: readonly Node[], at: number): MailboxStore {
  return (nodes[at] as Node).store;
}

async function play(seed: number, edges: readonly (readonly [number, number])[]): Promise<void> {
  const random = seededBelow(seed);
  const count = Math.max(...edges.flat()) + 1;
  const nodes = Array.from({ length: count }, (_, i) => {
    return new Node("abcd"[i] as string, new MemoryStore({ storeEpoch: `${i}`.repeat(32) }));
  });
  const ledger = new Ledger();
  await (nodes[0] as Node).create("INBOX");
  await (nodes[0] as Node).create("Work");
  await deliver(nodes[0] as Node, "INBOX", ledger);
  await settle(
    nodes,
    edges.slice().sort((x, y) => Math.min(...x) - Math.min(...y)),
  );
  for (let step = 0; step < STEPS; step++) {
    for (let i = random(4); i > 0; i--) await write(random, nodes[random(count)] as Node, ledger);
    const [from, to] = edges[random(edges.length)] as readonly [number, number];
    const isTurned = random(2) === 0;
    const [left, right] = isTurned ? [to, from] : [from, to];
    await exchange(storeOf(nodes, left), storeOf(nodes, right), random(4) === 0);
  }
  await settle(nodes, edges);
  for (const node of nodes) {
    await expectSound(node.store);
    expect(await allMail(node)).toEqual(ledger.expected);
  }
}

describe.each(Object.entries(TOPOLOGIES))("%s", (_, edges) => {
  test.each(SEEDS)("P6, P7, P9: converges in a bounded number of rounds, seed %i", async (seed) => {
    await play(seed, edges);
  });
});

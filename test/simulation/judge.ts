/**
 * The end of a simulated world: whether nodes that were left alone are what clients were promised.
 */
import { isLive } from "../../src/store/shared/blocks.ts";
import type { MailboxStore } from "../../src/store/store.ts";
import { DEFAULT_SYNC_OPTIONS, type SyncResult, syncStores } from "../../src/sync/session.ts";
import { demand, Violation } from "../merge/model/violation.ts";
import { type Contents, contentsOf, countsOf, differenceOf, faultOf } from "./contents.ts";
import { ACCOUNT, type SimulatedNode } from "./node.ts";
import { type FlagSeen, flagsOf, type Numbering, newer, textOf } from "./view.ts";
import type { SimulatedWorld } from "./world.ts";

/** Plays the plan, lets the nodes rest, and looks at what became of it. @throws Violation. */
export async function playAndJudge(world: SimulatedWorld): Promise<void> {
  await world.play();
  if (world.kind.kind === "memory") await checkRoles(world);
  const before = world.nodes.map(uidsOf);
  if (!(await world.rest())) throw new Violation("P9", `the nodes do not come to rest: ${await unrestOf(world)}`);
  const all = await Promise.all(world.nodes.map(({ store }) => contentsOf(store, ACCOUNT)));
  for (const [at, { store, name }] of world.nodes.entries()) {
    const fault = await faultOf(store, all[at] ?? []);
    demand(fault === "", "P11", () => `${name}: ${fault}`);
    const difference = differenceOf(all[0] ?? [], all[at] ?? []);
    demand(difference === "", "P9", () => `${world.nodes[0]?.name} and ${name} are not identical: ${difference}`);
  }
  const end = all[0] ?? [];
  checkCounts(world, end);
  checkViews(world, end);
  checkFlags(world, end);
  checkRenumbered(world, before);
  await checkClients(world);
  await checkNothingLeft(world, end);
}

/** What still waits, and why. */
async function unrestOf({ nodes }: SimulatedWorld): Promise<string> {
  const found: string[] = [];
  for (const { name, store } of nodes)
    for (const channel of await store.log.channels())
      for (const { waiting, failed } of await store.log.backlog(channel.name))
        if (waiting > 0) found.push(`${name} to ${channel.name}: ${waiting} wait, ${JSON.stringify(failed?.error)}`);
  return found.join("; ");
}

/**
 * P10, P9: one exchange between the first two nodes, as they are while all is broken, leads to the same whoever is its
 * master, makes them identical, and leaves nothing to do.
 */
async function checkRoles(world: SimulatedWorld): Promise<void> {
  const ends: Contents[][] = [];
  for (const [master, replica] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const copies = await world.copies();
    const [left, right] = [copies[master] as MailboxStore, copies[replica] as MailboxStore];
    const { issues } = await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
    // Two mailboxes of one node, or names that go round, can be one or other ones on the next: the channels settle it.
    if (issues.length > 0 && (world.plan.nodes > 2 || issues.every(({ code }) => code === "exists"))) return;
    demand(issues.length === 0, "P9", () => `one exchange leaves ${JSON.stringify(issues)}`);
    const [mine, theirs] = [await contentsOf(left, ACCOUNT), await contentsOf(right, ACCOUNT)];
    const difference = differenceOf(mine, theirs);
    demand(difference === "", "P9", () => `one exchange does not make two nodes identical: ${difference}`);
    const again = await syncStores(left, right, DEFAULT_SYNC_OPTIONS);
    demand(isNothing(again), "P9", () => `the exchange after the first one still finds ${JSON.stringify(again)}`);
    ends.push(mine);
  }
  const difference = differenceOf(ends[0] ?? [], ends[1] ?? []);
  demand(difference === "", "P10", () => `the other master gives another result: ${difference}`);
}

function isNothing({ recordsSent, recordsReceived, issues }: SyncResult): boolean {
  return recordsSent + recordsReceived + issues.length === 0;
}

/** Of each message there are as many as any client saw, without those that somebody expunged, and no more than were accepted (P6, P7). */
function checkCounts({ nodes, ledger }: SimulatedWorld, end: readonly Contents[]): void {
  const groupOf = (name: string) => ledger.groupOf(name);
  const left = countsOf(end, groupOf);
  for (const [key, count] of left) {
    const [name = "", guid = ""] = key.split("/");
    const accepted = ledger.accepted(name, guid);
    demand(count <= accepted, "P7", () => `${name} has ${count} of ${guid.slice(0, 8)}, which came ${accepted} times`);
  }
  for (const { views } of nodes)
    for (const [key, count] of views.counts) {
      const [name = "", guid = ""] = key.split("/");
      const found = left.get(`${groupOf(name)}/${guid}`) ?? 0;
      const least = count - ledger.expunged(name, guid);
      demand(found >= least, "P6", () => `${name} has ${found} of ${guid.slice(0, 8)}, ${least} must be there`);
    }
}

/** What stands at the end is what each node's clients were told of it before (P1, P2, P5). */
function checkViews({ nodes, ledger }: SimulatedWorld, end: readonly Contents[]): void {
  for (const { entry, state, records } of end)
    for (const node of nodes) {
      const seen = entry.deleted ? undefined : node.views.numberings.get(`${entry.name}/${state.uidValidity}`);
      if (seen === undefined) continue;
      for (const record of records) {
        const what = `${entry.name} UID ${record.uid}, as ${node.name} showed it`;
        const shown = seen.states.get(`${record.uid}@${record.modseq}`) ?? textOf(record);
        demand(shown === textOf(record), "P5", () => `${what}: ${shown}, now ${textOf(record)}`);
        if (record.expunged) continue;
        demand(!seen.dead.has(record.uid), "P2", () => `${what}, came back`);
        const named = seen.named.get(record.uid) ?? { ...record, date: record.internalDate };
        demand(named.guid === record.guid && named.size === record.size, "P1", () => `${what}, is another message`);
        const isOnce = ledger.accepted(entry.name, record.guid) === 1;
        demand(!isOnce || named.date === record.internalDate, "P1", () => `${what}, has another date`);
      }
    }
}

/** Of a message that was accepted once, each flag is as its newest change made it (P8). */
function checkFlags({ nodes, ledger }: SimulatedWorld, end: readonly Contents[]): void {
  const newest = new Map<string, FlagSeen>();
  for (const { views } of nodes)
    for (const [key, seen] of views.flags) {
      const [name = "", guid, flag] = key.split("/");
      const group = `${ledger.groupOf(name)}/${guid}/${flag}`;
      newest.set(group, newer(newest.get(group), seen));
    }
  for (const { entry, records } of end.filter((one) => !one.entry.deleted))
    for (const record of records.filter(isLive)) {
      // One that was expunged is only here where its tombstone was purged before anybody heard of it: with the record that
      // is gone, its newest flags may be.
      if (ledger.accepted(entry.name, record.guid) !== 1 || ledger.expunged(entry.name, record.guid) > 0) continue;
      for (const [flag, { stamp, value }] of flagsOf(record)) {
        const wanted = newest.get(`${ledger.groupOf(entry.name)}/${record.guid}/${flag}`) as FlagSeen;
        // One that was appended to the mailbox its own became one with has its flags from there on, under stamps of that one.
        const isStamped = wanted.stamp === stamp || entry.aliases.length > 0;
        demand(isStamped && wanted.value === value, "P8", () => {
          return `${entry.name} UID ${record.uid}: ${flag} is ${value} of ${stamp}, not ${wanted.value} of ${wanted.stamp}`;
        });
      }
    }
}

/** By name, uidValidity and GUID, the UIDs that messages had. */
function uidsOf({ views }: SimulatedNode): Map<string, Set<number>> {
  const uids = new Map<string, Set<number>>();
  for (const [key, { named }] of views.numberings as Map<string, Numbering>)
    for (const [uid, { guid }] of named) uids.set(`${key}/${guid}`, (uids.get(`${key}/${guid}`) ?? new Set()).add(uid));
  return uids;
}

/**
 * Two nodes that are left alone renumber no message twice (P9), besides once by an exchange that was under way when the last
 * client wrote; more than two may, where they meet at one moment.
 */
function checkRenumbered({ nodes, ledger }: SimulatedWorld, before: readonly Map<string, Set<number>>[]): void {
  if (nodes.length > 2) return;
  const known = (maps: readonly Map<string, Set<number>>[], key: string) =>
    new Set(maps.flatMap((map) => [...(map.get(key) ?? [])]));
  const now = nodes.map(uidsOf);
  for (const key of new Set(now.flatMap((map) => [...map.keys()]))) {
    const [name = "", , guid = ""] = key.split("/");
    if (ledger.accepted(name, guid) !== 1) continue;
    const [old, all] = [known(before, key), known(now, key)];
    demand(old.size === 0 || all.size <= old.size + 2, "P9", () => {
      return `${guid.slice(0, 8)} in ${name} was under UIDs ${[...old]}, then under ${[...all]}`;
    });
  }
}

/** Clients that went from node to node find out by asking what has changed (P5). */
async function checkClients(world: SimulatedWorld): Promise<void> {
  for (const [at, node] of world.nodes.entries())
    for (const view of await node.see())
      for (const client of world.clients) client.lookAtLast(at, view, world.nextLook());
}

/** One more exchange of each pair sends no record, and changes nothing (P9). */
async function checkNothingLeft({ nodes }: SimulatedWorld, end: readonly Contents[]): Promise<void> {
  for (const left of nodes)
    for (const right of nodes) {
      if (left === right) continue;
      const result = await syncStores(left.store, right.store, DEFAULT_SYNC_OPTIONS);
      const found = () => `${left.name} > ${right.name} at rest still finds ${JSON.stringify(result)}`;
      demand(isNothing(result), "P9", found);
    }
  for (const { name, store } of nodes) {
    const difference = differenceOf(end, await contentsOf(store, ACCOUNT));
    demand(difference === "", "P9", () => `${name} changes at rest: ${difference}`);
  }
}

/** `tandem status`: how far each peer is, and whether that is well. */
import {
  type AccountStatus,
  type PeerStatus,
  readStatus,
  readStoreHealth,
  type StoreHealth,
} from "../../replicator/status.ts";
import { needChannel } from "../../replicator/wait.ts";
import type { MailboxStore } from "../../store/store.ts";
import { complaints, isoTime, storeComplaints } from "../health.ts";
import type { StatusOptions } from "../options.ts";
import { type Output, printable, withOutput } from "../output.ts";
import { FAILED, OK } from "../run.ts";
import { withStore } from "../store-access.ts";
import { parseSeconds } from "./wait.ts";

/** @returns the exit status: 0 healthy, 1 not. @throws TandemError if it could not be told. */
export function runStatus(directory: string, { peer, maxLag, json }: StatusOptions): Promise<number> {
  const maxLagMs = parseSeconds("--max-lag", maxLag) * 1000;
  return withStore(directory, {}, async (store) => {
    if (peer !== undefined) await needChannel(store, peer);
    const now = Date.now();
    const all = (await readStatus(store, now)).filter((status) => peer === undefined || status.peer === peer);
    const health = await readStoreHealth(store);
    let isHealthy = health.faults.length === 0;
    await withOutput(async (out) => {
      if (!json) await printFaults(out, health);
      if (all.length === 0) await printNoChannel(out, health, json === true);
      for (const status of all) {
        const own = complaints(status, now, maxLagMs);
        // In JSON each peer's object stands alone, so what is wrong with the store is in all of them.
        const reasons = json ? [...storeComplaints(health), ...own] : own;
        if (reasons.length > 0) isHealthy = false;
        const names = await failedNames(store, status);
        await (json
          ? out.json({ ...jsonOf(status, names, reasons), faults: faultsJson(health) })
          : print(out, status, names, reasons));
      }
    });
    return isHealthy ? OK : FAILED;
  });
}

/** Of a node that peers only connect to: nothing has to be brought anywhere from here, and `/healthz` judges in the same way. */
async function printNoChannel(out: Output, health: StoreHealth, json: boolean): Promise<void> {
  const reasons = storeComplaints(health);
  if (json)
    await out.json({ peer: null, healthy: reasons.length === 0, reasons, accounts: [], faults: faultsJson(health) });
  else
    await out.line(
      "no channel to any peer: nothing is brought anywhere from here; a peer with a URL gets one when a daemon runs",
    );
}

/** The faults of the store in JSON. */
function faultsJson({ faults }: StoreHealth): object[] {
  return faults.map(({ account, mailboxId, code, message, since, failures, nextTry }) => {
    return { account, mailboxId, code, message, since: isoTime(since), failures, nextTry: isoTime(nextTry) };
  });
}

async function printFaults(out: Output, health: StoreHealth): Promise<void> {
  for (const reason of storeComplaints(health)) await out.line(`! ${printable(reason)}`);
  for (const { message, since, failures, nextTry } of health.faults) {
    const tried = failures === 0 ? "" : `, tried ${failures} times, next try ${isoTime(nextTry)}`;
    await out.line(`  ${printable(message)} Since ${isoTime(since)}${tried}.`);
  }
}

/** Names of the mailboxes that failed last, by account; an id says nothing to people. */
async function failedNames(store: MailboxStore, { accounts }: PeerStatus): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const { account, lastError } of accounts) {
    if (lastError === null || lastError.mailboxId === "") continue;
    const mailbox = await store.mailbox(account, lastError.mailboxId);
    if (mailbox !== null) names.set(account, mailbox.entry.name);
  }
  return names;
}

/** The status of a peer in JSON; times in ISO 8601. */
function jsonOf(status: PeerStatus, names: ReadonlyMap<string, string>, reasons: readonly string[]): object {
  const { peer, inSync, connection, since, error, nextTry, waiting, oldest } = status;
  const accounts = status.accounts.map(({ oldest, lastSuccess, lastError, nextTry, ...rest }) => ({
    ...rest,
    oldest: isoOrNull(oldest),
    lastSuccess: isoOrNull(lastSuccess),
    lastError: lastError && { ...lastError, mailbox: names.get(rest.account) ?? null },
    nextTry: isoOrNull(nextTry),
  }));
  const times = { since: isoOrNull(since), nextTry: isoOrNull(nextTry), oldest: isoOrNull(oldest) };
  return { peer, healthy: reasons.length === 0, reasons, inSync, connection, error, waiting, ...times, accounts };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

async function print(
  out: Output,
  status: PeerStatus,
  names: ReadonlyMap<string, string>,
  reasons: readonly string[],
): Promise<void> {
  const { peer, inSync, connection, since, nextTry, accounts } = status;
  const when = since === null ? "" : ` since ${isoTime(since)}`;
  const next = nextTry === null ? "" : `, next try ${isoTime(nextTry)}`;
  await out.line(
    `${printable(peer)}: ${inSync ? "in sync" : "not in sync"}, ${connectionWord(connection)}${when}${next}`,
  );
  for (const reason of reasons) await out.line(`  ! ${printable(reason)}`);
  if (accounts.length === 0) return;
  const rows = [HEADS, ...accounts.map((account) => cells(account, names.get(account.account)))];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    await out.line(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}

const HEADS = ["account", "state", "waiting", "oldest", "failing", "last success", "last error"];

function cells(account: AccountStatus, mailbox: string | undefined): string[] {
  const { inSync, waiting, oldest, failing, lastSuccess, lastError, nextTry } = account;
  const where = mailbox === undefined ? "" : `${mailbox}: `;
  const next = nextTry === null ? "" : ` (next try ${isoTime(nextTry)})`;
  return [
    printable(account.account),
    inSync ? "in sync" : "behind",
    String(waiting),
    isoOrNull(oldest) ?? "-",
    String(failing),
    isoOrNull(lastSuccess) ?? "-",
    lastError === null ? "-" : printable(`${where}${lastError.code}: ${lastError.message}${next}`),
  ];
}

function connectionWord(connection: PeerStatus["connection"]): string {
  return connection === "none" ? "no daemon keeps it up to date" : connection;
}

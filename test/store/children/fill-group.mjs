// Appends to all mailboxes at once, over and over, until the store has no more space; prints "MAILBOX UID" for each
// message once it is durable, then what each of the others failed with.
// node fill-group.mjs DIRECTORY
import { appendMessages } from "../../../dist/src/operations/index.js";
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const [directory] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
const [guid] = await store.stage([Buffer.from("the same")]);
const names = (await store.tree("ann")).mailboxes.map(({ entry }) => entry.name);
const lines = [];
for (let failed = false; !failed; ) {
  const appends = names.map((name) =>
    appendMessages(store, "ann", name, [{ guid, size: 8, flags: [], internalDate: 0 }]),
  );
  for (const [i, { status, value, reason }] of (await Promise.allSettled(appends)).entries()) {
    if (status === "rejected") failed = true;
    lines.push(status === "rejected" ? `${reason.code}: ${reason.message}` : `${names[i]} ${value.uids[0]}`);
  }
}
process.stdout.write(`${lines.join("\n")}\n`, () => process.exit());

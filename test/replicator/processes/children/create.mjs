// Loads everything, says "ready", then for each line of standard input makes the mailbox of that name for the account
// "ann", unless somebody else was faster, and appends a message to it. The first of them makes the store as well.
// node create.mjs DIRECTORY TAG
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { appendMessages, createMailbox } from "../../../../dist/src/operations/index.js";
import { loadDriver } from "../../../../dist/src/store/embedded/connection.js";
import { openEmbeddedStore } from "../../../../dist/src/store/embedded/embedded-store.js";

const [directory, tag] = process.argv.slice(2);
await loadDriver();
process.stdout.write("ready\n");
let store = null;
for await (const mailbox of createInterface({ input: process.stdin })) {
  store ??= await openEmbeddedStore(directory, { create: true });
  await createMailbox(store, "ann", mailbox).catch((error) => {
    if (error.code !== "exists") throw error;
  });
  const bytes = Buffer.from(`Subject: ${tag} in ${mailbox}\r\n\r\n`);
  const { uids } = await appendMessages(store, "ann", mailbox, [{ bytes, flags: [], internalDate: 0 }]);
  process.stdout.write(`+ ${mailbox} ${uids[0]} ${createHash("sha256").update(bytes).digest("hex")}\n`);
}
await store?.close();

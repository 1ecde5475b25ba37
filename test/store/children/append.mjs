// Appends messages to INBOX one by one and prints each UID once it is durable.
// node append.mjs DIRECTORY COUNT TAG
import { appendMessages } from "../../../dist/src/operations/index.js";
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const [directory, count, tag] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
for (let i = 0; i < Number(count); i++) {
  const bytes = Buffer.from(`Subject: ${tag} ${i}\r\n\r\n${"x".repeat(i % 500)}`);
  const { uids } = await appendMessages(store, "ann", "INBOX", [{ bytes, flags: [], internalDate: i }]);
  process.stdout.write(`${uids[0]}\n`);
}
await store.close();

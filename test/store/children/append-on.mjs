// Appends a message for each line of standard input, and prints its UID or what it failed with.
// node append-on.mjs DIRECTORY
import { createInterface } from "node:readline";
import { appendMessages } from "../../../dist/src/operations/index.js";
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const store = await openEmbeddedStore(process.argv[2]);
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const bytes = Buffer.from(line.padEnd(20_000, "."));
    const { uids } = await appendMessages(store, "ann", "INBOX", [{ bytes, flags: [], internalDate: 0 }]);
    process.stdout.write(`${uids[0]}\n`);
  } catch (error) {
    process.stdout.write(`${error.code}: ${error.message}\n`);
  }
}
process.exit();

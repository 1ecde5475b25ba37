// Appends messages until the store has no more space, then prints the code of the error.
// node fill.mjs DIRECTORY
import { appendMessages } from "../../../dist/src/operations/index.js";
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const [directory] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
for (let i = 0; ; i++) {
  const bytes = Buffer.alloc(60_000, `${i} `);
  try {
    const { uids } = await appendMessages(store, "ann", "INBOX", [{ bytes, flags: [], internalDate: i }]);
    process.stdout.write(`${uids[0]}\n`);
  } catch (error) {
    process.stdout.write(`${error.code}: ${error.message}\n`);
    break;
  }
}
process.exit();

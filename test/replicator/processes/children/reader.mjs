// Lists the mailboxes of the account "ann" over and over until standard input ends, and at once reads every message that
// it has not seen before: what is listed must be there as a whole. Prints "MAILBOX UID GUID" for each, and "! ..." for
// one that is not.
// node reader.mjs DIRECTORY
import { createHash } from "node:crypto";
import { decodeBatch } from "../../../../dist/src/model/decode-batch.js";
import { openEmbeddedStore } from "../../../../dist/src/store/embedded/embedded-store.js";

const [directory] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
const seen = new Set();
let isEnding = false;
process.stdin.resume().on("end", () => {
  isEnding = true;
});

async function listed(mailboxId) {
  const snapshot = await store.snapshot("ann", mailboxId);
  const records = [];
  for await (const batches of snapshot.scan()) for (const { bytes } of batches) records.push(...decodeBatch(bytes));
  await snapshot.close();
  return records.filter(({ expunged }) => !expunged);
}

async function faultOf({ guid, size }) {
  try {
    const bytes = await store.readBody(guid, 0, size);
    if (bytes.length !== size) return `${bytes.length} of ${size} bytes`;
    return createHash("sha256").update(bytes).digest("hex") === guid ? null : "other bytes than its GUID says";
  } catch (error) {
    return String(error);
  }
}

async function look() {
  for (const { entry } of (await store.tree("ann")).mailboxes)
    for (const record of await listed(entry.mailboxId)) {
      const key = `${entry.name} ${record.uid} ${record.guid}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const fault = await faultOf(record);
      process.stdout.write(fault === null ? `${key}\n` : `! ${key}: ${fault}\n`);
    }
}

for (let isLast = false; !isLast; ) {
  isLast = isEnding;
  await look();
  await new Promise((resolve) => setImmediate(resolve));
}
await store.close();

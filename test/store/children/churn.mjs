// Stages, appends and expunges messages over and over, then prints the UIDs that are left.
// node churn.mjs DIRECTORY ROUNDS TAG
import { appendMessages, expungeMessages, uidSetOf } from "../../../dist/src/operations/index.js";
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const [directory, rounds, tag] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
for (let round = 0; round < Number(rounds); round++) {
  const messages = Array.from({ length: 40 }, (_, i) => {
    return { bytes: Buffer.from(`${tag} ${round} ${i} ${"y".repeat(3000)}`), flags: [], internalDate: i };
  });
  const { uids } = await appendMessages(store, "ann", "INBOX", messages);
  await expungeMessages(store, "ann", "INBOX", uidSetOf(uids.slice(5)));
  process.stdout.write(
    uids
      .slice(0, 5)
      .map((uid) => `${uid}\n`)
      .join(""),
  );
}
await store.close();

// Begins to apply a large change and stays in the middle of it until it is killed.
// node hold.mjs DIRECTORY
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";
import { packRecords } from "../../../dist/src/store/shared/blocks.js";

const [directory] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
const [guid] = await store.stage([Buffer.from("held")]);
const { entry, state } = await store.mailboxNamed("ann", "INBOX");

function* records() {
  for (let i = 0; i < 5000; i++) {
    const uid = state.uidNext + i;
    const modseq = state.highestModseq + 1;
    const lists = { keywords: [], flagStamps: [], formerUids: [] };
    yield {
      expunged: false,
      uid,
      modseq,
      createdModseq: modseq,
      guid,
      size: 4,
      internalDate: 0,
      systemFlags: 0,
      ...lists,
    };
  }
  process.stdout.write("in the middle\n");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const after = { ...state, uidNext: state.uidNext + 5000, highestModseq: state.highestModseq + 1 };
await store.apply({
  account: "ann",
  mailboxId: entry.mailboxId,
  before: state,
  after,
  records: packRecords(records()),
});

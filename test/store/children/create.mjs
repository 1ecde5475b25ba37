// Loads everything, says "ready", and on the first byte of standard input creates or opens the store.
// node create.mjs DIRECTORY
import { once } from "node:events";
import { createMailbox } from "../../../dist/src/operations/index.js";
import { loadDriver } from "../../../dist/src/store/embedded/connection.js";
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const [directory] = process.argv.slice(2);
await loadDriver();
process.stdout.write("ready\n");
await once(process.stdin, "data");
const store = await openEmbeddedStore(directory, { create: true });
await createMailbox(store, "ann", `box ${process.pid}`);
process.stdout.write(`${store.storeEpoch}\n`);
await store.close();
process.exit();

// Watches a store and its change log and does nothing else, so that it ends at once.
// node watch.mjs DIRECTORY
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const [directory] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
store.log.watch(() => {});
store.watch(() => {});
process.stdout.write("watching\n");

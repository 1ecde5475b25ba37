// Says "begin", compacts once, and says "done".
// node compact-once.mjs DIRECTORY
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const store = await openEmbeddedStore(process.argv[2]);
process.stdout.write("begin\n");
await store.compact();
process.stdout.write("done\n");
await store.close();

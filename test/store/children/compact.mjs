// Compacts over and over until standard input ends; prints the bytes freed by each run.
// node compact.mjs DIRECTORY
import { openEmbeddedStore } from "../../../dist/src/store/embedded/embedded-store.js";

const [directory] = process.argv.slice(2);
const store = await openEmbeddedStore(directory);
let ended = false;
process.stdin.resume().on("end", () => {
  ended = true;
});
while (!ended) {
  const { bytesFreed } = await store.compact();
  process.stdout.write(`${bytesFreed}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
await store.close();

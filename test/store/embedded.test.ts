/**
 * The embedded store passes the store contract.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedStore } from "../../src/store/embedded/embedded-store.ts";
import { storeContract } from "../contract/store-contract.ts";

storeContract("embedded", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tandem-store-"));
  const store = await openEmbeddedStore(directory, { create: true });
  return { store, cleanup: () => rm(directory, { recursive: true }) };
});

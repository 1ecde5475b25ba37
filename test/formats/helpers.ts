/** Temporary directories and shorthands for the tests of mail files. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { contentChunks } from "../../src/formats/file.ts";
import type { SourceFault, SourceItem, SourceMailbox, SourceMessage } from "../../src/formats/source.ts";

const made: string[] = [];

/** A new directory, removed when the test file is done. */
export async function tempDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tandem-test-"));
  made.push(directory);
  return directory;
}

afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
});

export interface Collected {
  readonly messages: (SourceMessage & { readonly text: string })[];
  readonly mailboxes: SourceMailbox[];
  readonly faults: SourceFault[];
}

/** All items of a source, each message's bytes as a latin1 string. */
export async function collect(items: AsyncIterable<SourceItem>): Promise<Collected> {
  const collected: Collected = { messages: [], mailboxes: [], faults: [] };
  for await (const item of items) {
    if (item.kind === "message") collected.messages.push({ ...item, text: await textOf(item) });
    else if (item.kind === "mailbox") collected.mailboxes.push(item);
    else collected.faults.push(item);
  }
  return collected;
}

async function textOf(message: SourceMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of contentChunks(message.content)) pieces.push(piece);
  return Buffer.concat(pieces).toString("latin1");
}

/** Real mail through the command, byte for byte. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RecordLine } from "../../src/cli/describe.ts";
import { CORPUS, jsonLines, newStore, succeed } from "./helpers.ts";

describe.skipIf(!existsSync(CORPUS))("corpus (skipped if ../shared/corpus is absent)", () => {
  test("scenario 9: import, export, import gives the same bytes, dates and flags in the same order", async () => {
    const names = (await readdir(CORPUS)).filter((name) => name.endsWith(".eml")).sort();
    const guids = await Promise.all(
      names.map(async (name) =>
        createHash("sha256")
          .update(await readFile(join(CORPUS, name)))
          .digest("hex"),
      ),
    );
    const [store, copy] = [await newStore(), await newStore()];
    await succeed(["import", store, CORPUS]);
    const records = async (one: string) => (await jsonLines(["dump", one])).slice(1) as RecordLine[];
    const first = await records(store);
    expect(first.map(({ guid }) => guid)).toEqual(guids);
    await succeed(["flag", store, "INBOX", "1:100", "+\\Seen", "+corpus"]);
    await succeed(["export", store, `${store}.out`]);
    await succeed(["import", copy, `${store}.out`]);
    const plain = (lines: RecordLine[]) => lines.map(({ modseq: _, ...rest }) => rest);
    expect(plain(await records(copy))).toEqual(plain(await records(store)));
    expect(await jsonLines(["import", store, CORPUS])).toEqual([
      { mailboxes: [{ mailbox: "INBOX", imported: 0, alreadyThere: names.length }], errors: [] },
    ]);
  });
});

/**
 * Fuzzing what is read from files: mbox, Maildir and the configuration. Whatever is in them, reading ends with messages and
 * with faults told in a sentence (P12).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configuration } from "../../src/cli/daemon/schema.ts";
import { readSource } from "../../src/cli/daemon/source.ts";
import { readMaildir } from "../../src/formats/maildir-reader.ts";
import { readMbox } from "../../src/formats/mbox.ts";
import type { SourceItem } from "../../src/formats/source.ts";
import { isTandemError } from "../../src/model/errors.ts";
import { parseFlags } from "../../src/model/flags.ts";
import { generator } from "../merge/model/random.ts";
import { type Below, mutatedBytes, pickOf, randomBytes } from "./mutate.ts";

const MBOX = `From ann@example.org Thu Nov 26 10:00:00 2026
From: ann@example.org
Status: RO
X-Status: AF

Hello
>From here

From bob Mon Jan  1 00:00:00 2024 +0100

From  Fri Feb 30 99:99:99 99999
`;
const CONFIGURATION = `store: /srv/mail
node: mail1
listen: 127.0.0.1:4190
peers:
  - name: mail2
    url: ws://127.0.0.1:4191
    secretFile: secret
logLevel: info
`;
const NAMES = [
  "1700000000.M1P1.host,S=5:2,FS",
  "1700000000.1:2,abcDFRSTz",
  "x:2,",
  ":2,S",
  "1e400.1:2,S",
  "-1.a",
  "é\u202e:2,S",
];
const FOLDERS = [".Sent", ".&Jjo-", ".&", ".a.b..c", ".&-", ".&AAAA-"];

/** Reads the files of some seeds. @throws Error that names the seed of one that cannot be read to its end. */
export async function fuzzInputs(first: number, count: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "tandem-fuzz-"));
  try {
    for (let seed = first; seed < first + count; seed++) {
      try {
        await readAll(directory, generator(seed));
      } catch (error) {
        throw new Error(`The files of seed ${seed} cannot be read to their end: ${String(error)}`, { cause: error });
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return 3 * count;
}

async function readAll(directory: string, below: Below): Promise<void> {
  const path = join(directory, "input");
  const mbox = mutatedBytes(below, Buffer.from(MBOX.repeat(1 + below(3))));
  writeFileSync(path, mbox);
  await drain(readMbox(path), mbox.length);
  writeFileSync(path, mutatedBytes(below, Buffer.from(CONFIGURATION)));
  await readConfiguration(path);
  const maildir = mkdtempSync(join(directory, "maildir-"));
  fillMaildir(maildir, below);
  await drain(readMaildir(maildir), 1_000_000);
  rmSync(maildir, { recursive: true });
}

/** What is read is no larger than what is there, and its flags are flags. */
async function drain(items: AsyncIterable<SourceItem>, most: number): Promise<void> {
  let bytes = 0;
  for await (const item of items) {
    if (item.kind !== "message") continue;
    parseFlags(item.flags);
    bytes += item.content.kind === "bytes" ? item.content.bytes.length : item.content.size;
  }
  if (bytes > most) throw new Error(`${bytes} bytes were read from ${most}`);
}

async function readConfiguration(path: string): Promise<void> {
  try {
    const { value } = await readSource(path);
    configuration.safeParse(value);
  } catch (error) {
    if (!isTandemError(error)) throw error;
  }
}

function fillMaildir(root: string, below: Below): void {
  const folders = ["", ...Array.from({ length: below(3) }, () => pickOf(below, FOLDERS))];
  for (const folder of folders) {
    const place = join(root, folder);
    for (const name of ["cur", "new", "tmp"]) if (below(5) > 0) mkdirSync(join(place, name), { recursive: true });
    mkdirSync(join(place, "cur"), { recursive: true });
    for (let files = below(4); files > 0; files--)
      writeFileSync(join(place, "cur", fileName(below)), randomBytes(below, below(40)));
    if (below(3) === 0)
      writeFileSync(join(place, "dovecot-keywords"), mutatedBytes(below, Buffer.from("0 $Todo\n1 b\n")));
    if (below(3) === 0) writeFileSync(join(place, "tandem-name"), mutatedBytes(below, Buffer.from("A name\n")));
  }
}

/** A name that the file system takes. */
function fileName(below: Below): string {
  const name = mutatedBytes(below, Buffer.from(pickOf(below, NAMES)))
    .toString("utf8")
    .replace(/[\0/]/g, "_");
  return name === "" || name === "." || name === ".." ? "x" : name.slice(0, 60);
}

/** `tandem append`: one message into a mailbox. */
import { contentChunks, readMessageFile } from "../../formats/file.ts";
import { LARGE_MESSAGE } from "../../formats/source.ts";
import { TandemError } from "../../model/errors.ts";
import { parseFlags } from "../../model/flags.ts";
import { checkedName } from "../../model/mailbox.ts";
import { MAX_DATE, MIN_DATE } from "../../model/record.ts";
import { appendMessages } from "../../operations/index.ts";
import type { MailboxStore } from "../../store/store.ts";
import { stageLarge } from "../body.ts";
import { flagNamed } from "../flag-names.ts";
import type { AppendOptions } from "../options.ts";
import { withOutput } from "../output.ts";
import { OK } from "../run.ts";
import { ensureMailbox, withStore } from "../store-access.ts";
import { checkedStorePath } from "../store-path.ts";

/** ISO 8601 as people type it: a date, or a date and a time with or without a zone. */
const ISO_DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** @returns the exit status. @throws TandemError. */
export async function runAppend(
  directory: string,
  mailbox: string,
  file: string,
  options: AppendOptions,
): Promise<number> {
  checkedStorePath(directory);
  checkedName(options.account, "account");
  const name = checkedName(mailbox);
  const flags = (options.flag ?? []).map(flagNamed);
  parseFlags(flags);
  const internalDate = options.date === undefined ? Date.now() : parseDate(options.date);
  // Before the store is opened: a wrong file must not leave a new, empty store behind.
  const start = await readStart(file === "-" ? process.stdin : contentChunks(readMessageFile(file).content), file);
  return withStore(directory, { create: true }, async (store) => {
    const staged = await stage(store, start);
    await ensureMailbox(store, options.account, name);
    const message = { ...staged, flags, internalDate };
    const { uidValidity, uids } = await appendMessages(store, options.account, name, [message]);
    const [uid] = uids;
    await withOutput((out) =>
      options.json ? out.json({ mailbox: name, uidValidity, uid, guid: staged.guid }) : out.line(String(uid)),
    );
    return OK;
  });
}

/** @throws TandemError `invalid-argument`. */
function parseDate(text: string): number {
  const [, day, time = "00:00", zone = "Z"] = ISO_DATE.exec(text) ?? [];
  const date = Date.parse(`${day}T${time}${zone.replace(/^(...)(\d\d)$/, "$1:$2").toUpperCase()}`);
  if (date >= MIN_DATE && date <= MAX_DATE) return date;
  throw new TandemError(
    "invalid-argument",
    `${JSON.stringify(text)} is not a date; write it as in 2024-05-01T12:00:00Z or 2024-05-01.`,
  );
}

/** The first bytes of a message, up to all of it, and what follows. */
interface MessageStart {
  readonly bytes: Buffer;
  /** Null if `bytes` are the whole message. */
  readonly rest: AsyncIterator<Uint8Array> | null;
}

/** @throws TandemError `io`, also if the message is empty. */
async function readStart(input: AsyncIterable<Uint8Array>, file: string): Promise<MessageStart> {
  const rest = input[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let size = 0;
  while (size <= LARGE_MESSAGE) {
    const piece = await rest.next();
    if (piece.done) {
      if (size > 0) return { bytes: Buffer.concat(pieces), rest: null };
      const where = file === "-" ? "Standard input" : file;
      throw new TandemError("io", `${where} is empty; a message has at least one byte.`);
    }
    pieces.push(piece.value);
    size += piece.value.length;
  }
  return { bytes: Buffer.concat(pieces), rest };
}

async function stage(store: MailboxStore, { bytes, rest }: MessageStart): Promise<{ guid: string; size: number }> {
  if (rest === null) {
    const [guid] = await store.stage([bytes]);
    return { guid: guid as string, size: bytes.length };
  }
  let size = 0;
  const guid = await stageLarge(store, counted());
  return { guid, size };

  async function* counted(): AsyncGenerator<Uint8Array> {
    yield bytes;
    size += bytes.length;
    for (let piece = await rest?.next(); piece && !piece.done; piece = await rest?.next()) {
      size += piece.value.length;
      yield piece.value;
    }
  }
}

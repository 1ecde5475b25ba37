// Writes to mailboxes of the account "ann" and prints what it did once it is durable, until it has appended `count`
// messages or standard input ends:
//   + MAILBOX UID GUID    appended
//   f MAILBOX UID GUID    one of its own was flagged
//   ? MAILBOX UID GUID    one of its own is about to be expunged
//   - MAILBOX UID GUID    it is
// node writer.mjs '{"directory", "tag", "count", "seed", "mailboxes", "atOnce", "edits", "size"}'
import { createHash } from "node:crypto";
import { appendMessages, expungeMessages, storeFlags, uidSetOf } from "../../../../dist/src/operations/index.js";
import { openEmbeddedStore } from "../../../../dist/src/store/embedded/embedded-store.js";
import { generator } from "./random.mjs";

const { directory, tag, count, seed, mailboxes, atOnce, edits, size } = JSON.parse(process.argv[2]);
const below = generator(seed);
let isEnding = false;
process.stdin.resume().on("end", () => {
  isEnding = true;
});

function tell(mark, { mailbox, uid, guid }) {
  process.stdout.write(`${mark} ${mailbox} ${uid} ${guid}\n`);
}

const own = [];
const store = await openEmbeddedStore(directory);
let made = 0;

async function append() {
  const mailbox = mailboxes[below(mailboxes.length)];
  const bodies = Array.from({ length: Math.min(1 + below(atOnce), count - made) }, () =>
    Buffer.from(`Subject: ${tag} ${made++}\r\n\r\n${"x".repeat(below(size))}`),
  );
  const messages = bodies.map((bytes) => ({ bytes, flags: [], internalDate: made }));
  const { uids } = await appendMessages(store, "ann", mailbox, messages);
  for (const [i, uid] of uids.entries()) {
    const message = { mailbox, uid, guid: createHash("sha256").update(bodies[i]).digest("hex") };
    tell("+", message);
    own.push(message);
  }
}

// The other node may have renumbered it: then nothing is there under its UID, and nothing is done.
async function flag(message) {
  const { mailbox, uid } = message;
  const { changed } = await storeFlags(store, "ann", mailbox, uidSetOf([uid]), { add: ["\\Flagged"] });
  if (changed === 1) tell("f", message);
}

async function expunge(message) {
  const { mailbox, uid } = message;
  own.splice(own.indexOf(message), 1);
  tell("?", message);
  if ((await expungeMessages(store, "ann", mailbox, uidSetOf([uid]))) === 1) tell("-", message);
}

while (made < count && !isEnding) {
  const dice = edits && own.length > 0 ? below(10) : 0;
  if (dice < 7) await append();
  else if (dice < 9) await flag(own[below(own.length)]);
  else await expunge(own[below(own.length)]);
  // Lets the end of standard input be seen.
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdin.pause();
await store.close();

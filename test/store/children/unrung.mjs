// Commits an entry of the change log as a writer does that is killed before it rings the bell, then kills itself.
// node unrung.mjs DIRECTORY CHANNEL
import { join } from "node:path";
import Database from "better-sqlite3";

const [directory, channel] = process.argv.slice(2);
const db = new Database(join(directory, "index.db"));
db.prepare(
  "INSERT INTO change_log SELECT id, 'ann', 'unrung', 1, 1, 0, 0, 0, NULL, NULL, 0, 0 FROM channel WHERE name = ?",
).run(channel);
process.kill(process.pid, "SIGKILL");

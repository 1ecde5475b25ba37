/**
 * `npm run fuzz`: hostile frames, sessions and files from seeds, as many as it is told.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { fuzzFrames } from "./frames.ts";
import { fuzzInputs } from "./inputs.ts";
import { fuzzSessions } from "./sessions.ts";

const PORTION = 50_000;
/** Frames for each session of either kind, and for each set of files. */
const FRAMES_PER_SESSION = 200;
/** Memory that must do, however many frames come, in bytes. */
const MOST_RSS = 1024 * 1024 * 1024;

const program = new Command("npm run fuzz --")
  .description("Tries hostile frames, peers and files. Exit status 0: all were refused in order, or taken.")
  .addOption(new Option("--seed <n>", "the first seed").default(1).argParser(wholeNumber))
  .addOption(new Option("--frames <n>", "how many frames, one for each seed").default(1_000_000).argParser(wholeNumber))
  .addHelpText("after", "\nExample:\n  npm run fuzz -- --frames 1000000 --seed 1")
  .action(fuzz);

async function fuzz({ seed, frames }: { readonly seed: number; readonly frames: number }): Promise<void> {
  const sum = { frames: 0, taken: 0, sessions: 0, files: 0, mostRss: 0 };
  for (let first = seed; first < seed + frames; first += PORTION) {
    const count = Math.min(PORTION, seed + frames - first);
    const others = Math.max(1, Math.floor(count / FRAMES_PER_SESSION));
    try {
      const counts = fuzzFrames(first, count);
      sum.frames += counts.frames;
      sum.taken += counts.taken;
      sum.sessions += await fuzzSessions(first, others);
      sum.files += await fuzzInputs(first, others);
    } catch (error) {
      const at = /seed (\d+)/.exec(String(error))?.[1];
      process.stdout.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
      process.stdout.write(`Repeat it: npm run fuzz -- --frames 1 --seed ${at}\n`);
      process.exitCode = 1;
      return;
    }
    sum.mostRss = Math.max(sum.mostRss, process.memoryUsage.rss());
    process.stderr.write(`${sum.frames} frames, seed ${first + count - 1}\n`);
  }
  const mib = Math.round(sum.mostRss / 2 ** 20);
  process.stdout.write(
    `${sum.frames} frames, ${sum.taken} of them messages; ${sum.sessions} sessions; ${sum.files} files; at most ${mib} MiB.\n`,
  );
  if (sum.mostRss > MOST_RSS) {
    process.stdout.write(`That is more than ${MOST_RSS / 2 ** 20} MiB.\n`);
    process.exitCode = 1;
  }
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

await program.parseAsync();

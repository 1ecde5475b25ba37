/**
 * The main job in one terminal: two mail servers on this machine, used at once and kept identical (`npm start`).
 *
 * Two `tandem serve` processes with a configuration file each run on loopback, with all data in one directory.
 */
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { isTandemError } from "../../src/index.ts";
import { runLive } from "./live.ts";
import { runOnce } from "./once.ts";

interface Options {
  readonly data: string;
  readonly rate: number;
  readonly once?: true;
}

const MOST_RATE = 500;
const USAGE = 2;

const HELP = `
Two servers, a and b, run on this machine, each with a store of its own. Mail is delivered to both, read, flagged,
filed and expunged on both, and the two daemons keep the mailboxes identical: UIDs, flags, modseqs and all.

  npm start                       until Ctrl-C; the next start goes on with the same mail
  npm start -- --rate 50          more mail
  npm start -- --once             a scripted run that counts everything in the end; status 0 only if all is right
`;

async function main(options: Options): Promise<number> {
  const data = resolve(options.data);
  try {
    return await (options.once ? runOnce(data) : runLive({ data, rate: options.rate }));
  } catch (error) {
    if (!isTandemError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (rate > 0 && rate <= MOST_RATE) return rate;
  throw new InvalidArgumentError(`It is the number of mails a second, above 0 and up to ${MOST_RATE}.`);
}

const command = new Command("npm start --")
  .description("Two mail servers, used at once and kept identical.")
  .option("--data <directory>", "where the stores, configuration files and the secret are", "./tandem-data")
  .option("--rate <mails>", "mails a second, on both servers together", parseRate, 4)
  .option("--once", "a scripted run of some seconds, then everything is compared and counted")
  .addHelpText("after", HELP)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
  .parse();

process.exitCode = await main(command.opts<Options>());

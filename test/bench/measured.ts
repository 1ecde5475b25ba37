/**
 * Runs the command line as it is, and leaves the process's peak memory in the file that TANDEM_BENCH_RSS names.
 */
import { writeFileSync } from "node:fs";
import { runProgram } from "../../src/cli/program.ts";

process.once("exit", () => {
  const file = process.env["TANDEM_BENCH_RSS"];
  if (file !== undefined) writeFileSync(file, String(process.resourceUsage().maxRSS));
});
await runProgram(process.argv);

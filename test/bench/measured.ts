/**
 * Runs the command line as it is, and leaves the process's peak memory in the file that TANDEM_BENCH_RSS names.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { runProgram } from "../../src/cli/program.ts";

process.once("exit", () => {
  const file = process.env["TANDEM_BENCH_RSS"];
  if (file !== undefined) writeFileSync(file, String(peakKib()));
});

/** Linux counts the peak of the process that started this one into `maxRSS`; its status file does not. */
function peakKib(): number {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return peak === undefined ? process.resourceUsage().maxRSS : Number(peak);
}

await runProgram(process.argv);

/** The progress bar, as a terminal gets it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MAIN } from "./helpers.ts";

const PROGRESS = join(MAIN, "../progress.js");
const [HIDE_CURSOR, SHOW_CURSOR] = ["\u001b[?25l", "\u001b[?25h"];
const [NO_WRAP, WRAP] = ["\u001b[?7l", "\u001b[?7h"];

/** Runs a bar on a stderr that calls itself a terminal; ends it with `signal` once it is drawn, or lets it end. */
async function drawn(signal: NodeJS.Signals | null): Promise<{ how: unknown[]; stderr: string }> {
  const lines = [
    "process.stderr.isTTY = true;",
    `const { openProgress } = await import(${JSON.stringify(PROGRESS)});`,
    'const progress = await openProgress("messages");',
    "progress.grow(10);",
    signal === null ? "progress.stop();" : "setInterval(() => {}, 1000);",
  ];
  const child = spawn(process.execPath, ["--input-type=module", "-e", lines.join("\n")]);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
    if (signal === null || child.killed || !stderr.includes("0/10 messages")) return;
    child.kill(signal);
  });
  return { how: await once(child, "close"), stderr };
}

describe("the bar gives the terminal back as it was", () => {
  test.each([
    ["stopped", null, [0, null]],
    ["ended by Ctrl-C", "SIGINT", [null, "SIGINT"]],
    ["ended by SIGTERM", "SIGTERM", [null, "SIGTERM"]],
  ] as const)("%s", async (_, signal, how) => {
    const result = await drawn(signal);
    expect(result.how).toEqual(how);
    expect(result.stderr).toContain(HIDE_CURSOR);
    expect(result.stderr).toContain(NO_WRAP);
    expect(result.stderr.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(result.stderr.lastIndexOf(HIDE_CURSOR));
    expect(result.stderr.lastIndexOf(WRAP)).toBeGreaterThan(result.stderr.lastIndexOf(NO_WRAP));
  });
});

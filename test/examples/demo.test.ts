/** The demo's command line; what it does is tried by whoever runs it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const MAIN = join(import.meta.dirname, "../../dist/examples/demo/main.js");
const run = promisify(execFile);

describe("npm run demo", () => {
  it("teaches what it does, and refuses what it does not know, without running", async () => {
    const { stdout } = await run(process.execPath, [MAIN, "--help"]);
    expect(stdout).toMatch(/^Usage: npm run demo -- /);
    expect(stdout).not.toContain("1. Mail arrives");
    await expect(run(process.execPath, [MAIN, "--bogus"])).rejects.toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("unknown option '--bogus'"),
    });
  });
});

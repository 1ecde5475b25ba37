#!/usr/bin/env node
/**
 * The command `tandem`.
 */
import { VERSION } from "./version.ts";

// A reader that goes away (`| head`) is no error; without listeners it would end the process with a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

// Scripts ask for the version often: it is told before anything is loaded.
if (process.argv.length === 3 && process.argv[2] === "--version") process.stdout.write(`${VERSION}\n`);
else await (await import("./program.ts")).runProgram(process.argv);

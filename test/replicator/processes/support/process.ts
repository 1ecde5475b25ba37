/** Processes of the tests, each with the lines it has printed so far, so that a test can act at the moment of any of them. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";

const PROJECT = join(import.meta.dirname, "../../../..");
const CHILDREN = join(import.meta.dirname, "../children");

const running = new Set<Process>();

/** Kills what a test that failed has left behind. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((process) => process.kill()));
}

afterAll(killAll);

export class Process {
  /** What it printed, and the lines of its log. */
  readonly lines: string[] = [];
  /** Its exit status once all it printed has been read, null if it was killed. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #errors = "";
  #isOver = false;
  #wake: (() => void)[] = [];

  private constructor(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    if (!existsSync(join(PROJECT, "dist/src/replicator")))
      throw new Error("The processes of this test run the built program: run `npm run build` first.");
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.#told(line));
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.startsWith("{")) this.#told(line);
      else this.#errors += `${line}\n`;
    });
    // A process that was killed does not read what it is told.
    child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => child.once("close", resolve));
    running.add(this);
    void this.ended.then(() => {
      this.#isOver = true;
      running.delete(this);
      this.#tell();
    });
  }

  /** Starts `children/NAME.mjs`. */
  static child(name: string, args: readonly string[]): Process {
    return new Process(join(CHILDREN, `${name}.mjs`), args, {});
  }

  /** Starts the built command. */
  static tandem(args: readonly string[], env: Readonly<Record<string, string>> = {}): Process {
    return new Process(join(PROJECT, "dist/src/cli/main.js"), args, env);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What it wrote on stderr beside its log. */
  get errors(): string {
    return this.#errors;
  }

  /** Resolves once it has printed so many lines, or has ended. */
  async printed(count: number): Promise<void> {
    while (this.lines.length < count && !this.#isOver) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Sends a line to its standard input. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends its standard input: it does what it has begun, and ends. @throws Error unless it ends with status 0. */
  async finish(): Promise<string[]> {
    this.#child.stdin?.end();
    return this.done();
  }

  /** The lines of a process that ends by itself. @throws Error unless it ends with status 0. */
  async done(): Promise<string[]> {
    const status = await this.ended;
    if (status !== 0) throw new Error(`A process ended with status ${status}: ${this.#errors}`);
    return this.lines;
  }

  /** Kills it at once and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Asks it to end, and returns its exit status. */
  terminate(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.ended;
  }

  #told(line: string): void {
    this.lines.push(line);
    this.#tell();
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

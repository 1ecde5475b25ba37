/**
 * Standard output of the commands: buffered, waiting for the reader, and quiet when the reader goes away (`| head`).
 */
import type { Writable } from "node:stream";
import { TandemError } from "../model/errors.ts";

const BUFFER_CHARACTERS = 64 * 1024;

export class Output {
  readonly #stream: Writable;
  #buffer: string[] = [];
  #buffered = 0;
  #closed = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Why a write failed is told to its own callback.
    stream.on("error", () => {
      this.#closed = true;
    });
  }

  /** True once nobody reads any more: what is printed from then on is dropped. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Adds one line; it is written with others. @throws TandemError `io`. */
  async line(text: string): Promise<void> {
    this.#buffer.push(text, "\n");
    this.#buffered += text.length + 1;
    if (this.#buffered >= BUFFER_CHARACTERS) await this.flush();
  }

  /** Adds one line now, for callers that cannot wait; `flush` writes what has gathered. */
  queue(text: string): void {
    this.#buffer.push(text, "\n");
    this.#buffered += text.length + 1;
  }

  /** One JSON value on a line of its own. @throws TandemError `io`. */
  async json(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value));
  }

  /** Writes out what was buffered. @throws TandemError `io`. */
  async flush(): Promise<void> {
    const text = this.#buffer.join("");
    this.#buffer = [];
    this.#buffered = 0;
    if (text !== "") await this.#write(text);
  }

  /** Writes bytes as they are. @throws TandemError `io`. */
  async bytes(chunk: Uint8Array): Promise<void> {
    await this.flush();
    await this.#write(chunk);
  }

  #write(chunk: string | Uint8Array): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#stream.write(chunk, (error) => {
        const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
        if (error === null || error === undefined || code === "EPIPE" || this.#stream.destroyed) resolve();
        else reject(new TandemError("io", `Standard output cannot be written (${code}); give it another place.`));
      });
    });
  }
}

/** Gives `print` the process's standard output and writes out what is left at the end. */
export async function withOutput<T>(print: (out: Output) => Promise<T>): Promise<T> {
  const out = new Output(process.stdout);
  const result = await print(out);
  await out.flush();
  return result;
}

/** A name for people: characters that could steer a terminal, or turn text around, as escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The result of a command that changed `count` messages: `{"changed": 3}`, or a line for people. @throws TandemError `io`. */
export async function printChanged(what: string, count: number, json: boolean | undefined): Promise<void> {
  await withOutput((out) => (json ? out.json({ [what]: count }) : out.line(`${count} ${what}`)));
}

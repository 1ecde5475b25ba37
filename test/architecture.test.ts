/**
 * What the code may look like: imports point one way, the rule is pure, files and functions are small.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { blanked, functionsOf, importsOf } from "./source-scan.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface SourceFile {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

function filesIn(folder: string): SourceFile[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name))
    .sort()
    .map((path) => ({ path: path.replaceAll("\\", "/"), text: readFileSync(join(ROOT, path), "utf8") }));
}

const CODE = [...filesIn("src"), ...filesIn("protocol")];
const ALL = [...CODE, ...filesIn("test"), ...filesIn("examples")];

/** What each part may import, beside itself. `index` is the list of public names. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  model: [],
  protocol: ["model"],
  merge: ["model"],
  formats: ["model"],
  store: ["model", "protocol"],
  transport: ["model", "protocol"],
  operations: ["model", "store"],
  sync: ["model", "merge", "protocol", "store", "transport"],
  replicator: ["model", "merge", "protocol", "store", "transport", "operations", "sync"],
  index: ["model", "merge", "protocol", "store", "transport", "operations", "formats", "sync", "replicator"],
  cli: ["model", "merge", "protocol", "store", "transport", "operations", "formats", "sync", "replicator"],
};

/** The part a file belongs to: a folder of `src`, `protocol`, or `index`. */
function partOf(path: string): string {
  const [top = "", folder = ""] = path.split("/");
  return top === "src" ? folder.replace(/\.ts$/, "") : top;
}

function forbiddenImports({ path, text }: SourceFile): string[] {
  const part = partOf(path);
  const targets = importsOf(text).filter((name) => name.startsWith("."));
  return targets
    .map((name) => relative(ROOT, resolve(ROOT, dirname(path), name)).replaceAll("\\", "/"))
    .filter((target) => partOf(target) !== part && !MAY_IMPORT[part]?.includes(partOf(target)))
    .map((target) => `${path} imports ${target}`);
}

describe("imports", () => {
  it("every part is known", () => {
    const parts = [...new Set(CODE.map(({ path }) => partOf(path)))];
    expect(parts.filter((part) => !(part in MAY_IMPORT))).toEqual([]);
  });

  it("point one way", () => {
    expect(CODE.flatMap(forbiddenImports)).toEqual([]);
  });

  it("the stores do not know each other", () => {
    const across = CODE.filter(({ path }) => path.startsWith("src/store/")).flatMap(({ path, text }) => {
      const own = path.split("/")[2] ?? "";
      const others = ["embedded", "memory"].filter((store) => store !== own);
      return importsOf(text)
        .filter((name) => others.some((store) => name.includes(`/${store}/`)))
        .map((name) => `${path} imports ${name}`);
    });
    expect(across).toEqual([]);
  });

  it("operations reach stores through the interface and its shared part only", () => {
    const inner = CODE.filter(({ path }) => path.startsWith("src/operations/")).flatMap(({ path, text }) =>
      importsOf(text)
        .filter((name) => /\/store\/(embedded|memory)\//.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(inner).toEqual([]);
  });

  it("name files with their extension, and types as types", () => {
    const bare = ALL.flatMap(({ path, text }) =>
      importsOf(text)
        .filter((name) => name.startsWith(".") && !/\.(ts|json)$/.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(bare).toEqual([]);
  });
});

describe("the pure parts", () => {
  const PURE = CODE.filter(({ path }) => ["model", "merge", "protocol"].includes(partOf(path)));
  /** Checks of values, encoders and checksums: no I/O, clock or random source. */
  const PURE_PACKAGES = ["zod", "msgpack-lite", "crc-32", "crc-32/crc32c.js", "node:buffer"];
  const IMPURE =
    /\b(Date\.now|new Date\(\)|performance\.|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|console\.|process\.|fetch\(|crypto\.|await\b|async\b)/;

  it("import no I/O, clock, random source or logging", () => {
    const packages = PURE.flatMap(({ path, text }) =>
      importsOf(text)
        .filter((name) => !name.startsWith(".") && !PURE_PACKAGES.includes(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(packages).toEqual([]);
  });

  it("use none, and wait for nothing", () => {
    const uses = PURE.flatMap(({ path, text }) => {
      const found = IMPURE.exec(blanked(text));
      return found === null ? [] : [`${path} uses ${found[0]}`];
    });
    expect(uses).toEqual([]);
  });

  it("an exchange takes its clock, timers and random source from its caller", () => {
    const uses = CODE.filter(({ path }) => partOf(path) === "sync").flatMap(({ path, text }) => {
      const found = /\b(Date\.now|performance\.now|Math\.random|randomBytes|randomUUID|console\.)/.exec(blanked(text));
      return found === null ? [] : [`${path} uses ${found[0]}`];
    });
    expect(uses).toEqual([]);
  });
});

describe("size", () => {
  const FUNCTIONS = CODE.flatMap(({ path, text }) => functionsOf(text).map((one) => ({ ...one, path })));
  const LENGTHS = FUNCTIONS.map(({ lines }) => lines).sort((a, b) => a - b);

  it("no file has more than 500 lines", () => {
    const long = ALL.filter(({ text }) => text.split("\n").length > 501).map(({ path }) => path);
    expect(long).toEqual([]);
  });

  it("no function has more than 70 lines", () => {
    const long = FUNCTIONS.filter(({ lines }) => lines > 70);
    expect(long.map(({ path, name, lines }) => `${path}: ${name} has ${lines}`)).toEqual([]);
  });

  it("the median function has fewer than 10 lines, nine of ten have fewer than 35", () => {
    expect(LENGTHS.length).toBeGreaterThan(300);
    expect(LENGTHS[Math.floor(LENGTHS.length / 2)]).toBeLessThan(10);
    expect(LENGTHS[Math.floor(LENGTHS.length * 0.9)]).toBeLessThan(35);
  });
});

describe("care", () => {
  it("every file begins with what it is for", () => {
    const silent = ALL.filter(({ text }) => !/^(#!.*\n)?\/(\*\*|\/)\s+(\* )?\S/.test(text)).map(({ path }) => path);
    expect(silent).toEqual([]);
  });

  it("nothing is left for later, and no test is skipped or run alone", () => {
    const later = new RegExp(["TO", "DO|FIX", "ME"].join(""));
    const marks = ALL.filter(({ text }) => later.test(text)).map(({ path }) => path);
    const alone = ALL.filter(({ text }) => /\b(it|test|describe)\.(only|todo|fails|skip\()/.test(blanked(text)));
    expect([...marks, ...alone.map(({ path }) => path)]).toEqual([]);
  });

  it("errors have a code: nothing but a TandemError is thrown where input may be to blame", () => {
    const bare = CODE.filter(({ path }) => ["model", "protocol", "store", "operations"].includes(partOf(path)))
      .filter(({ text }) => /\bthrow new (?!TandemError)\w+/.test(blanked(text)))
      .map(({ path }) => path);
    expect(bare).toEqual([]);
  });
});

describe("the scanner itself", () => {
  const SAMPLE = `/** { */
function one(a: { b: number }): { c: string } {
  return { c: "}" + \`\${a.b} }\` };
}
class Box<T> {
  async #two<K>(key: K): Promise<T | { k: K }> {
    if (key) {
      return this.x(/[}"]/);
    }
    return [].map((y) => {
      return y;
    });
  }
}
interface Other { three(a: number): void; }
`;

  it("finds functions, methods and arrow functions with their lengths", () => {
    const found = functionsOf(SAMPLE).map(({ name, lines }) => `${name} ${lines}`);
    expect(found.sort()).toEqual(["#two 8", "=> 3", "one 3"]);
  });

  it("finds every way to import", () => {
    const text =
      'import a, {\n  b,\n} from "./a.ts";\nexport * from "./b.ts";\nimport "./c.ts";\nawait import("./d.ts");\n';
    expect(importsOf(text)).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts"]);
  });
});

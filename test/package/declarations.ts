/**
 * Reads the declarations that the compiler wrote: what a module exports, and what its exports name.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** A name in the file that declares it. */
export interface Declared {
  readonly file: string;
  readonly name: string;
}

/** What a file exports, with the files it re-exports from followed. @param file path of a `.d.ts`. */
export function exportsOf(file: string): Declared[] {
  const text = declarationsIn(file);
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm)].flatMap(([, names, from]) =>
    namesIn(names ?? "").map(({ name }) => ({ file: targetOf(file, from ?? ""), name })),
  );
  const whole = [...text.matchAll(/^export \* from "([^"]+)";/gm)].flatMap(([, from]) =>
    exportsOf(targetOf(file, from ?? "")),
  );
  return [...listed, ...whole];
}

/** Names of this project's own files that the declaration of a name uses. */
export function namedBy({ file, name }: Declared): Declared[] {
  const text = declarationsIn(file);
  const own = statementsOf(text);
  const statement = own.get(name);
  if (statement === undefined) throw new Error(`${file} does not declare ${name}.`);
  const known = new Map([
    ...[...own.keys()].map((one) => [one, { file, name: one }] as const),
    ...importsIn(file, text),
  ]);
  const words = new Set(statement.replace(/"[^"]*"/g, '""').match(/[A-Za-z_]\w*/g));
  words.delete(name);
  const inline = [...statement.matchAll(/import\("(\.[^"]+)"\)\.(\w+)/g)].map(([, from, one]) => {
    return { file: targetOf(file, from ?? ""), name: one ?? "" };
  });
  return [...inline, ...[...words].flatMap((word) => known.get(word) ?? [])];
}

/** The file without its comments. */
function declarationsIn(file: string): string {
  return readFileSync(file, "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, " ")
    .replace(/^\s*\/\/.*$/gm, "");
}

/** Every statement that declares a name, by the name. */
function statementsOf(text: string): Map<string, string> {
  const statements = text.split(/^(?=export |declare |interface |type |import )/m);
  return new Map(
    statements.flatMap((statement) => {
      const head = /^(?:export )?(?:declare )?(?:interface|type|(?:abstract )?class|function|const) (\w+)/.exec(
        statement,
      );
      return head?.[1] === undefined ? [] : [[head[1], statement]];
    }),
  );
}

function importsIn(file: string, text: string): [string, Declared][] {
  return [...text.matchAll(/^import (?:type )?\{([^}]*)\} from "(\.[^"]+)";/gm)].flatMap(([, names, from]) =>
    namesIn(names ?? "").map(({ name, local }): [string, Declared] => [
      local,
      { file: targetOf(file, from ?? ""), name },
    ]),
  );
}

/** The names in the braces of an import or export. */
function namesIn(list: string): { readonly name: string; readonly local: string }[] {
  const parts = list.split(",").map((part) => part.trim().replace(/^type /, ""));
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const [name = "", local = name] = part.split(" as ");
      return { name, local };
    });
}

function targetOf(file: string, from: string): string {
  return resolve(dirname(file), from).replace(/\.ts$/, ".d.ts");
}

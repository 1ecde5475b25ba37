/**
 * The pages in protocol/ and the code say the same: every message, field, limit and error code is in both.
 */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { LOCAL_CODES } from "../../protocol/fields.ts";
import * as limits from "../../protocol/limits.ts";
import { MESSAGES } from "../../protocol/messages/index.ts";
import { entryShape, surveyedShape } from "../../protocol/shapes.ts";
import { PROTOCOL_VERSION } from "../../protocol/version.ts";
import { ERROR_CODES } from "../../src/model/errors.ts";

const page = (name: string) => readFileSync(new URL(`../../protocol/${name}`, import.meta.url), "utf8");

/** First cells, in backticks, of the table rows of a text. */
function rows(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1] as string);
}

/** The parts of the messages page by their heading. */
function sections(): Map<string, string> {
  const parts = page("messages.md").split(/^### /m).slice(1);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf("\n")), part.split(/^## /m)[0] as string]));
}

/** A message or shape as it is on the wire. */
function wireOf(schema: z.ZodType): z.ZodObject {
  return ("shape" in schema ? schema : (schema as z.ZodCodec).def.in) as z.ZodObject;
}

/** Names of the fields on the wire. */
function fieldsOf(schema: z.ZodType): string[] {
  return Object.keys(wireOf(schema).shape);
}

/** Whether a field may be left out, and no bytes at all are something else. */
function differsWhenEmpty(field: z.ZodType): boolean {
  const [none, empty] = [undefined, new Uint8Array(0)].map((value) => field.safeDecode(value as never));
  return none?.success === true && empty?.success === true && !isDeepStrictEqual(none.data, empty.data);
}

describe("messages.md", () => {
  const messages = new Map([...sections()].filter(([heading]) => heading.startsWith("`")));

  it("has every message, and no other", () => {
    const named = [...messages.keys()].map((heading) => /^`(\w+)` \((M|R|M, R)\)$/.exec(heading)?.[1]);
    expect(named.sort()).toEqual(Object.keys(MESSAGES).sort());
  });

  it.each(Object.entries(MESSAGES))("has every field of %s, and no other", (name, { schema }) => {
    const part = [...messages].find(([heading]) => heading.startsWith(`\`${name}\``))?.[1] ?? "";
    expect(rows(part)).toEqual(fieldsOf(schema));
  });

  it.each(Object.entries(MESSAGES))("marks the fields of %s that may be left out, and no other", (name, { schema }) => {
    const part = [...messages].find(([heading]) => heading.startsWith(`\`${name}\``))?.[1] ?? "";
    const optional = [...part.matchAll(/^\| `(\w+)` +\| [^|]*\bopt +\|/gm)].map((match) => match[1]);
    const left = Object.entries(wireOf(schema).shape).filter(
      ([, field]) => (field as z.ZodType).safeDecode(undefined as never).success,
    );
    expect(optional).toEqual(left.map(([field]) => field));
  });

  it("frames.md names the fields that mean something else where they are empty, and no other", () => {
    const all = Object.entries(MESSAGES).map(([name, { schema }]) => [`\`${name}\``, wireOf(schema)] as const);
    const differing = [...all, ["_surveyed mailbox_", wireOf(surveyedShape)] as const].flatMap(([name, wire]) =>
      Object.entries(wire.shape)
        .filter(([, field]) => differsWhenEmpty(field as z.ZodType))
        .map(([field]) => `\`${field}\` of ${name}`),
    );
    const sentence = /But (.*?) mean one thing/s.exec(page("frames.md"))?.[1] ?? "";
    expect(sentence.split(/\s+and\s+/)).toEqual(differing);
  });

  it("has every field of the shapes, and no other", () => {
    expect(rows(sections().get("_entry_") ?? "")).toEqual(fieldsOf(entryShape));
    expect(rows(sections().get("_surveyed mailbox_") ?? "")).toEqual(fieldsOf(surveyedShape));
  });
});

describe("limits.md", () => {
  it("has every limit with its value, and no other", () => {
    const named = [...page("limits.md").matchAll(/^\| `(\w+)` +\| (\d+) +\|/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(named)).toEqual({ ...limits });
  });

  it("the messages of the small limit are those the page names", () => {
    const row = /`MAX_SMALL_FRAME_BYTES` .*: (.*?) +\|/.exec(page("limits.md"))?.[1]?.split(", ").sort();
    const small = Object.entries(MESSAGES).filter(([, { maxBytes }]) => maxBytes === limits.MAX_SMALL_FRAME_BYTES);
    expect(row).toEqual(small.map(([name]) => name).sort());
  });
});

describe("errors.md", () => {
  it("has every error code, and no other, in the order of the code", () => {
    expect(rows(page("errors.md"))).toEqual([...ERROR_CODES]);
  });

  it("says of the codes that never cross the wire that they do not", () => {
    const local = [...page("errors.md").matchAll(/^\| `([a-z-]+)` +\| - +\|/gm)].map(([, code]) => code);
    expect(local.sort()).toEqual([...LOCAL_CODES].sort());
  });
});

describe("all pages", () => {
  const pages = [
    "README.md",
    "frames.md",
    "messages.md",
    "records.md",
    "digest.md",
    "errors.md",
    "limits.md",
    "trust.md",
    "ranges.md",
  ];

  it("name only limits there are", () => {
    const names = pages.flatMap(
      (name) => page(name).match(/\b(MAX_|FRAME_|FRAMES_|BODY_|PING_|PROOF_|SEND_|RECEIVE_)\w+/g) ?? [],
    );
    expect(names.filter((name) => !(name in limits))).toEqual([]);
  });

  it("name the version", () => {
    expect(page("README.md")).toContain(`version ${PROTOCOL_VERSION}\n`);
  });

  it("link only to each other and to what is there", () => {
    const links = pages.flatMap((name) =>
      [...page(name).matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] as string),
    );
    const known = [
      ...pages,
      "merge-rule.md",
      "vectors",
      "vectors/batches.json",
      "vectors/digests.json",
      "vectors/proofs.json",
    ];
    expect(links.filter((link) => !known.includes(link))).toEqual([]);
  });
});

/**
 * A change of what is on the wire cannot slip in.
 */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { z } from "zod";
import { MESSAGES } from "../../protocol/messages/index.ts";
import { PROTOCOL_VERSION } from "../../protocol/version.ts";

/** Every message as it is on the wire: fields, ranges, limits. */
function description(): string {
  const types = Object.entries(MESSAGES).map(([name, { schema, maxBytes }]) => {
    const wire = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    return [name, maxBytes, wire];
  });
  return JSON.stringify(types);
}

it("the schemas are those of this version", () => {
  const hash = createHash("sha256").update(description()).digest("hex").slice(0, 16);
  // If this fails, what is on the wire has changed. Nodes of the old and the new code would misunderstand each other, so:
  // raise PROTOCOL_VERSION and add a line to its history, write new golden vectors, correct the pages in protocol/, and
  // put the new hash here. If no byte on the wire can differ (a schema was only written in another way), put in the hash.
  expect({ version: PROTOCOL_VERSION, hash }).toEqual({ version: 3, hash: "b17faddf69e62037" });
});

it("the description sees fields, ranges and packed bytes", () => {
  const text = description();
  for (const part of ['"baseAgrees"', "9007199254740991", "4294967296", "GUIDs, 32 bytes each", '"maxItems":4096'])
    expect(text).toContain(part);
});

/**
 * Two messages whose GUIDs begin with the same 32 bits: among a hundred thousand there are some.
 */
import { hash } from "node:crypto";
import { prefixOf } from "../src/model/guid-prefix.ts";

export interface Message {
  readonly bytes: Buffer;
  readonly guid: string;
}

/** Always the same two. */
export function twoAlike(): readonly [Message, Message] {
  const known = new Map<number, Message>();
  for (let number = 0; ; number++) {
    const bytes = Buffer.from(`message ${number}`);
    const message = { bytes, guid: hash("sha256", bytes, "hex") };
    const prefix = prefixOf(message.guid);
    const other = known.get(prefix);
    if (other !== undefined) return [other, message];
    known.set(prefix, message);
  }
}

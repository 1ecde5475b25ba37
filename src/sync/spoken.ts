/**
 * What the other side is told of an error.
 */
import { isWireCode, type WireCode } from "../../protocol/fields.ts";
import { MAX_TEXT_LENGTH } from "../../protocol/limits.ts";
import type { TandemError } from "../model/errors.ts";

/** Its code, `internal` in place of one that does not cross the wire, and its sentence. */
export function spoken({ code, message }: TandemError): { readonly code: WireCode; readonly message: string } {
  return { code: isWireCode(code) ? code : "internal", message: message.slice(0, MAX_TEXT_LENGTH) };
}

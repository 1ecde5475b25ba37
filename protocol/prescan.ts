/**
 * The check every frame passes before it is decoded: one pass without recursion that bounds depth and refuses what
 * promises more values than it has bytes for.
 *
 * Without it a frame of 1 MiB with some hundred nested arrays, each claiming to hold "all the rest", makes the decoder
 * allocate the product of both.
 */
import { isUtf8 } from "node:buffer";
import { TandemError } from "../src/model/errors.ts";
import { MAX_DEPTH } from "./limits.ts";

/** How one value begins: its own bytes, and how many values it holds. */
interface Head {
  /** Bytes of the head, and of the payload of a number, text or bin. */
  head: number;
  payload: number;
  kind: "plain" | "text" | "bin" | "array" | "map";
  /** Items of an array, pairs of a map. */
  items: number;
}

/**
 * @returns where the payload of the last value of the outermost map begins if that is a bin, which then reaches to the end of
 * the frame; else the length of the frame.
 * @throws TandemError `bad-frame` unless `frame` is exactly one MessagePack value within the bounds.
 */
export function prescan(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const open: { left: number; map: boolean }[] = [{ left: 1, map: false }];
  let owed = 1;
  let at = 0;
  let bin = frame.length;
  while (open.length > 0) {
    const top = open[open.length - 1] as { left: number; map: boolean };
    if (top.left === 0) {
      open.pop();
      continue;
    }
    const value = headAt(view, at);
    if (top.map && top.left % 2 === 0 && value.kind !== "text") refuse("has a map key that is not text");
    top.left--;
    const end = at + value.head + value.payload;
    if (end > frame.length) refuse("ends too early");
    if (value.kind === "text" && !isUtf8(frame.subarray(at + value.head, end))) refuse("has text that is not UTF-8");
    bin = value.kind === "bin" && open.length === 2 ? at + value.head : frame.length;
    at = end;
    const items = value.kind === "map" ? 2 * value.items : value.items;
    owed += items - 1;
    if (owed > frame.length - at) refuse("claims more values than it has bytes");
    if (items === 0) continue;
    if (open.length > MAX_DEPTH) refuse("is nested too deeply");
    open.push({ left: items, map: value.kind === "map" });
  }
  if (at !== frame.length) refuse("has bytes behind its end");
  return bin;
}

const head: Head = { head: 0, payload: 0, kind: "plain", items: 0 };

/** The head at `at`; one object is reused, as there is one for every value of every frame. */
function headAt(view: DataView, at: number): Head {
  if (at >= view.byteLength) refuse("ends too early");
  const type = view.getUint8(at);
  if (type < 0x80 || type >= 0xe0) return set(1, 0, "plain", 0);
  if (type < 0x90) return set(1, 0, "map", type & 0x0f);
  if (type < 0xa0) return set(1, 0, "array", type & 0x0f);
  if (type < 0xc0) return set(1, type & 0x1f, "text", 0);
  switch (type) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return set(1, 0, "plain", 0);
    case 0xc4: // bin 8, 16, 32
    case 0xc5:
    case 0xc6:
      return sized(view, at, type - 0xc4, "bin");
    case 0xca: // float 32, 64
    case 0xcb:
      return float(view, at, type - 0xca);
    case 0xcc: // uint 8, 16, 32, 64
    case 0xcd:
    case 0xce:
    case 0xcf:
      return set(1, 1 << (type - 0xcc), "plain", 0);
    case 0xd0: // int 8, 16, 32, 64
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return set(1, 1 << (type - 0xd0), "plain", 0);
    case 0xd9: // str 8, 16, 32
    case 0xda:
    case 0xdb:
      return sized(view, at, type - 0xd9, "text");
    case 0xdc: // array 16, 32
    case 0xdd:
      return sized(view, at, type - 0xdc + 1, "array");
    case 0xde: // map 16, 32
    case 0xdf:
      return sized(view, at, type - 0xde + 1, "map");
    default:
      return refuse("has an extension type or an unknown type of value");
  }
}

/** A head with a length of 1, 2 or 4 bytes (`width` 0, 1, 2) behind the type. */
function sized(view: DataView, at: number, width: number, kind: Head["kind"]): Head {
  const bytes = 1 << width;
  if (at + 1 + bytes > view.byteLength) refuse("ends too early");
  const length = width === 0 ? view.getUint8(at + 1) : width === 1 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  return kind === "bin" || kind === "text" ? set(1 + bytes, length, kind, 0) : set(1 + bytes, 0, kind, length);
}

/** A float of 4 or 8 bytes (`width` 0, 1). Minus zero is refused: it passes for 0, but is written as another value. */
function float(view: DataView, at: number, width: number): Head {
  if (at + 1 + (4 << width) > view.byteLength) refuse("ends too early");
  const value = width === 0 ? view.getFloat32(at + 1) : view.getFloat64(at + 1);
  if (Object.is(value, -0)) refuse("has a minus zero");
  return set(1, 4 << width, "plain", 0);
}

function set(bytes: number, payload: number, kind: Head["kind"], items: number): Head {
  head.head = bytes;
  head.payload = payload;
  head.kind = kind;
  head.items = items;
  return head;
}

function refuse(how: string): never {
  throw new TandemError("bad-frame", `The peer sent a frame that ${how}; check that it is a Tandem node.`);
}

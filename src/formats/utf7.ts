/**
 * Modified UTF-7 (RFC 3501 section 5.1.3): how mailbox names are written in Maildir folder names.
 */

/** Shift sequence: everything between `&` and `-` is base64 of UTF-16BE, with `,` for `/` and without padding. */
const SHIFT = /&([A-Za-z0-9+,]*)-/g;
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Encodes `text`. Printable ASCII stands for itself, except `&` and the characters in `alsoEncode`, which are encoded
 * like any other (not canonical, but every decoder of base64 runs understands it).
 */
export function encodeUtf7(text: string, alsoEncode = ""): string {
  let out = "";
  let run = "";
  for (let i = 0; i < text.length; i++) {
    const unit = text.charAt(i);
    if (!isPlain(unit) || alsoEncode.includes(unit)) {
      run += unit;
      continue;
    }
    out += encodeRun(run) + (unit === "&" ? "&-" : unit);
    run = "";
  }
  return out + encodeRun(run);
}

/** Decodes `text`, or returns null if it is not valid modified UTF-7. */
export function decodeUtf7(text: string): string | null {
  if (!PLAIN.test(text)) return null;
  if (text.replace(SHIFT, "").includes("&")) return null;
  let valid = true;
  const decoded = text.replace(SHIFT, (_, run: string) => {
    const part = run === "" ? "&" : decodeRun(run);
    if (part === null) valid = false;
    return part ?? "";
  });
  return valid && decoded.isWellFormed() ? decoded : null;
}

function isPlain(unit: string): boolean {
  return unit >= " " && unit <= "~";
}

function encodeRun(run: string): string {
  if (run === "") return "";
  const bytes = Buffer.from(run, "utf16le").swap16();
  return `&${bytes.toString("base64").replaceAll("=", "").replaceAll("/", ",")}-`;
}

function decodeRun(run: string): string | null {
  const bytes = Buffer.from(run.replaceAll(",", "/"), "base64");
  if (bytes.length === 0 || bytes.length % 2 !== 0) return null;
  const text = bytes.swap16().toString("utf16le");
  // Rejects bits left over behind the last character: two spellings of one name would be two folders.
  return encodeRun(text) === `&${run}-` ? text : null;
}

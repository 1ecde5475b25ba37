/**
 * Names in a Maildir, both ways: mailbox names and folder names, flags and file names, and the order of delivery.
 */
import { createHash } from "node:crypto";
import { compareText } from "../model/flags.ts";
import { nameFault } from "../model/mailbox.ts";
import { decodeUtf7, encodeUtf7 } from "./utf7.ts";

/** Longest folder or file name of common file systems, in bytes. */
const MAX_FILE_NAME = 255;
/** Flag letters (https://cr.yp.to/proto/maildir.html) and the flags they stand for. */
const FLAG_LETTERS: readonly (readonly [string, string])[] = [
  ["D", "\\Draft"],
  ["F", "\\Flagged"],
  ["P", "$Forwarded"],
  ["R", "\\Answered"],
  ["S", "\\Seen"],
  ["T", "\\Deleted"],
];
const FLAG_OF = new Map(FLAG_LETTERS);
const LETTER_OF = new Map(FLAG_LETTERS.map(([letter, flag]) => [flag.toLowerCase(), letter]));
/** Dovecot's keyword letters: a to z. */
export const MAX_LETTERS = 26;

/** The mailbox that a Maildir++ folder (`.Folder.Sub`) holds: levels decoded where valid, joined by `/`. */
export function mailboxOfFolder(folder: string): string {
  const levels = folder.slice(1).split(".");
  return usable(levels.map(decodeLevel).join("/"), folder.slice(1));
}

/** The name of one level of a tree of plain directories. */
export function mailboxOfDirectory(directory: string): string {
  return usable(decodeLevel(directory), directory);
}

function decodeLevel(level: string): string {
  return decodeUtf7(level) ?? level;
}

function usable(decoded: string, raw: string): string {
  return nameFault(decoded) === null ? decoded : raw;
}

/**
 * The Maildir++ folder for a mailbox other than INBOX. `/` separates levels where both levels have a name; other `/`,
 * and `.`, are written in modified UTF-7, so that `mailboxOfFolder` gives the same name back. A name too long for the
 * file system gets a folder named after its hash, and `exact` is false: the folder must hold the name in a file.
 */
export function folderOfMailbox(mailbox: string): { folder: string; exact: boolean } {
  const levels = splitLevels(mailbox).map((level) => encodeUtf7(level, "./"));
  const folder = `.${levels.join(".")}`;
  if (folder.length <= MAX_FILE_NAME) return { folder, exact: true };
  // No encoded name holds "&=", so this cannot be the folder of another mailbox.
  return { folder: `.&=${createHash("sha256").update(mailbox).digest("hex")}`, exact: false };
}

function splitLevels(mailbox: string): string[] {
  return mailbox.split(/(?<=[^/])\/(?=[^/])/);
}

/** The flags in a file name's info part (`:2,FS`), with keyword letters looked up in `keywords`. */
export function flagsOfFile(file: string, keywords: readonly (string | undefined)[]): string[] {
  const info = /:2,([^:]*)$/.exec(file)?.[1] ?? "";
  return [...new Set(info)].flatMap((letter) => {
    const flag = letter >= "a" && letter <= "z" ? keywords[letter.charCodeAt(0) - 97] : FLAG_OF.get(letter);
    return flag === undefined ? [] : [flag];
  });
}

/** The info part for a set of flags; `letterOf` gives a keyword its letter, or null if there is none left. */
export function infoOfFlags(flags: readonly string[], letterOf: (keyword: string) => string | null): string {
  const letters = flags.map((flag) => LETTER_OF.get(flag.toLowerCase()) ?? letterOf(flag) ?? "");
  return `:2,${letters.sort(compareText).join("")}`;
}

/** A file name's part before the flags. */
export function baseOfFile(file: string): string {
  return file.replace(/:2,[^:]*$/, "");
}

/** When a message was delivered, by its file name. */
export interface DeliveryKey {
  readonly name: string;
  /** Seconds since 1970, null if the name does not start with them. */
  readonly seconds: number | null;
  readonly microseconds: number;
}

export function deliveryKey(name: string): DeliveryKey {
  const match = /^(\d{1,12})\.(?:[^.:]*?M(\d{1,6}))?/.exec(name);
  if (match === null) return { name, seconds: null, microseconds: 0 };
  return { name, seconds: Number(match[1]), microseconds: Number(match[2] ?? 0) };
}

/** Order of delivery: time, then name. Keys without a time must have been given one (the file's). */
export function compareDelivery(a: DeliveryKey, b: DeliveryKey): number {
  return (a.seconds ?? 0) - (b.seconds ?? 0) || a.microseconds - b.microseconds || compareText(a.name, b.name);
}

const EXPORTED = /^\d+\.U\d+G([0-9a-f]{64})\./;

/**
 * The name under which a message is exported, without flags. `seconds` never falls from UID to UID, so that names sort
 * in UID order; the GUID lets a second export see what is there.
 */
export function exportedBase(message: { uid: number; guid: string; size: number }, seconds: number): string {
  const uid = String(message.uid).padStart(10, "0");
  return `${seconds}.U${uid}G${message.guid}.tandem,S=${message.size}`;
}

/** The GUID in an exported file's name, or null. */
export function exportedGuid(file: string): string | null {
  return EXPORTED.exec(file)?.[1] ?? null;
}

/**
 * What a source of mail is read as: a stream of items, whatever its format.
 */

/** Messages above this many bytes are not held in memory but read from their file piece by piece. */
export const LARGE_MESSAGE = 8 * 1024 * 1024;

/** The bytes of a message: in memory, or a range of a file if there are more than `LARGE_MESSAGE`. */
export type MessageContent =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly path: string; readonly offset: number; readonly size: number };

/** One message as it was found. */
export interface SourceMessage {
  readonly kind: "message";
  /** Name of the folder in the source, its levels joined by `/`; null for a source's own messages, outside any folder. */
  readonly mailbox: string | null;
  /** Flag names that are valid in an index record. */
  readonly flags: readonly string[];
  /** Milliseconds since 1970. */
  readonly internalDate: number;
  readonly content: MessageContent;
  /** Where it was found, for people. */
  readonly origin: string;
}

/** A folder that is there, perhaps empty; comes before its messages. */
export interface SourceMailbox {
  readonly kind: "mailbox";
  readonly mailbox: string | null;
  /** How many messages are likely to follow, 0 if that is not known before they are read. */
  readonly expected: number;
}

/** Something that could not be read; the rest follows. */
export interface SourceFault {
  readonly kind: "fault";
  readonly origin: string;
  /** One sentence: what is wrong and what to do. */
  readonly sentence: string;
}

export type SourceItem = SourceMessage | SourceMailbox | SourceFault;

/** Reads one source from its beginning to its end, holding one message (or piece of one) in memory at a time. */
export type SourceReader = () => AsyncGenerator<SourceItem>;

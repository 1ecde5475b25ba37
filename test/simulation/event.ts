/**
 * What happens in a simulated world: a list of events as data, which can be written to a file, replayed, and made shorter.
 * An event that cannot be done (nothing to expunge, the node is down) does nothing, so any part of a list is a list.
 */

/** What clients do at node `at`. `pick` chooses among what is there, modulo its number; boxes and mails are numbered. */
export type ClientEvent =
  /** A mail arrives; its mailbox is made if it is not there. `slow`: other commits come between its look and its change. */
  | { readonly do: "deliver"; readonly at: number; readonly box: number; readonly mail: number; readonly slow: boolean }
  | {
      readonly do: "copy" | "move";
      readonly at: number;
      readonly box: number;
      readonly pick: number;
      readonly to: number;
    }
  | {
      readonly do: "flag";
      readonly at: number;
      readonly box: number;
      readonly pick: number;
      readonly flag: number;
      readonly value: boolean;
      readonly slow: boolean;
    }
  | { readonly do: "expunge"; readonly at: number; readonly box: number; readonly pick: number }
  /** `all`: also tombstones that a peer has not confirmed. */
  | { readonly do: "purge"; readonly at: number; readonly box: number; readonly all: boolean }
  | { readonly do: "create" | "delete"; readonly at: number; readonly box: number }
  | { readonly do: "rename"; readonly at: number; readonly box: number; readonly to: number }
  /** A client that keeps a cache asks what has changed since it last looked. */
  | { readonly do: "look"; readonly client: number; readonly at: number; readonly box: number };

/** What happens to lines between nodes. */
export type LineEvent =
  /** The link is gone, both sides notice; until it is mended nobody can connect. */
  | { readonly do: "cut" | "mend"; readonly a: number; readonly b: number }
  /** What `from` sends to `to` is held back, until it flows again or a minute is over: then the line breaks. */
  | { readonly do: "stall" | "flow"; readonly from: number; readonly to: number }
  /** Only `at` sees its lines to the other break; the other one goes on sending, and notices after a minute. */
  | { readonly do: "half"; readonly at: number; readonly other: number }
  /** Lines break after so many further frames. */
  | { readonly do: "cutAfter"; readonly a: number; readonly b: number; readonly frames: number }
  /** The line breaks in place of the next answer that something was applied or agreed on at `at`. */
  | { readonly do: "loseAnswer"; readonly at: number; readonly other: number };

/** Calls of a store that commit something. */
export const COMMITS = ["apply", "applyTree", "saveCursors", "stage", "settle", "add", "noteChannel"] as const;
export type Commit = (typeof COMMITS)[number];

/** What happens to a node. */
export type NodeEvent =
  /**
   * The process dies right before or after its next commit of this kind but `skip`, and is started again later. With a power
   * cut goes what need not last yet.
   */
  | {
      readonly do: "crash";
      readonly at: number;
      readonly commit: Commit;
      readonly when: "before" | "after";
      readonly skip: number;
      readonly downMs: number;
      readonly power?: boolean;
    }
  /** Stops in order. */
  | { readonly do: "restart"; readonly at: number; readonly downMs: number }
  | { readonly do: "backup"; readonly at: number }
  /** The process dies, its store is the last backup again, or without one a new store. */
  | { readonly do: "restore"; readonly at: number; readonly downMs: number }
  /** The node's clock jumps. */
  | { readonly do: "jump"; readonly at: number; readonly ms: number }
  /** For some time no space is left on the node's disk. */
  | { readonly do: "full"; readonly at: number; readonly ms: number };

/** One event, `after` so many milliseconds. */
export type Event = { readonly after: number } & (ClientEvent | LineEvent | NodeEvent);

/** A world and all that happens in it. The same plan is the same world everywhere (on the memory store). */
export interface Plan {
  /** What the delays of frames and of the disk are drawn from. */
  readonly seed: number;
  readonly nodes: number;
  /** Longest delay of a frame and of a store's commit, in milliseconds. */
  readonly frameMs: number;
  readonly commitMs: number;
  readonly events: readonly Event[];
}

export const FLAGS = ["\\Seen", "\\Flagged", "$Todo"] as const;
export const MOST_NODES = 5;

export function nodeName(at: number): string {
  return "ABCDE"[at] ?? String(at);
}

export function boxName(box: number): string {
  return `box ${box}`;
}

/** An event as a sentence. */
export function describeEvent({ after, ...event }: Event): string {
  return `${String(after).padStart(6)} ms later: ${sentence(event as Event)}`;
}

function sentence(event: Event): string {
  if (event.do === "look") return `client ${event.client} looks at ${boxName(event.box)} on ${nodeName(event.at)}`;
  if ("box" in event) return `${nodeName(event.at)}: ${clientSentence(event)}`;
  if ("a" in event) {
    const where = `${nodeName(event.a)} - ${nodeName(event.b)}`;
    return event.do === "cutAfter" ? `${where}: cut after ${event.frames} more frames` : `${where}: ${event.do}`;
  }
  if ("from" in event) return `${nodeName(event.from)} > ${nodeName(event.to)}: ${event.do}`;
  if ("other" in event) return `${nodeName(event.at)}: ${event.do} towards ${nodeName(event.other)}`;
  return `${nodeName(event.at)}: ${nodeSentence(event)}`;
}

function clientSentence(event: Exclude<ClientEvent, { readonly do: "look" }>): string {
  const what = `${event.do} ${boxName(event.box)}`;
  const slow = "slow" in event && event.slow ? ", slowly" : "";
  switch (event.do) {
    case "deliver":
      return `deliver mail ${event.mail} to ${boxName(event.box)}${slow}`;
    case "copy":
    case "move":
      return `${what}, message ${event.pick}, to ${boxName(event.to)}`;
    case "flag":
      return `${event.value ? "set" : "clear"} ${FLAGS[event.flag]} of message ${event.pick} in ${boxName(event.box)}${slow}`;
    case "expunge":
      return `expunge message ${event.pick} in ${boxName(event.box)}`;
    case "purge":
      return `${what}${event.all ? ", unconfirmed tombstones too" : ""}`;
    case "rename":
      return `${what} to ${boxName(event.to)}`;
    default:
      return what;
  }
}

function nodeSentence(event: NodeEvent): string {
  switch (event.do) {
    case "crash":
      return `${event.power ? "power cut" : "crash"} ${event.when} ${event.commit}, ${event.skip} passed over; down for ${event.downMs} ms`;
    case "restart":
    case "restore":
      return `${event.do}, down for ${event.downMs} ms`;
    case "jump":
      return `the clock jumps by ${event.ms} ms`;
    case "full":
      return `the disk is full for ${event.ms} ms`;
    default:
      return event.do;
  }
}

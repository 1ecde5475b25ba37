/**
 * The steps of a history, as they stand in files.
 */

/**
 * One step. `pick` chooses among the live records of the node, modulo their number. `exchange` is a whole exchange,
 * `lost` names the side that did not save its cursor; `begin`, `reach` and `finish` are its three parts: both are read
 * and the merge is planned, the peer applies, the driving node applies (`lost`: without saving its cursor). What lies
 * between is concurrency; leaving the rest out is a crash. `restore` puts a node back to its last `save`, or to when it
 * was created.
 */
export type Op =
  | { readonly op: "deliver"; readonly at: number; readonly mail: number }
  | { readonly op: "copy" | "expunge"; readonly at: number; readonly pick: number }
  | {
      readonly op: "flag";
      readonly at: number;
      readonly pick: number;
      readonly flag: number;
      readonly value: boolean;
    }
  /**
   * `confirmed`: the tombstones that all peers have confirmed; `all`: every one; `raise`: every one, and purgedModseq
   * rises to highestModseq, as other stores may do it.
   */
  | { readonly op: "purge"; readonly at: number; readonly what: "confirmed" | "all" | "raise" }
  | { readonly op: "exchange"; readonly from: number; readonly to: number; readonly lost?: "driver" | "peer" }
  | { readonly op: "begin"; readonly from: number; readonly to: number }
  | { readonly op: "reach" | "finish"; readonly from: number; readonly to: number; readonly lost?: true }
  | { readonly op: "save" | "restore"; readonly at: number };

export interface History {
  readonly nodes: number;
  readonly ops: readonly Op[];
}

type Exchange = Extract<Op, { op: "exchange" }>;
type Part = Extract<Op, { op: "begin" | "reach" | "finish" }>;

/** The three parts of a whole exchange. */
export function partsOf({ from, to, lost }: Exchange): Part[] {
  const loses = (side: "driver" | "peer") => (lost === side ? ({ lost: true } as const) : {});
  return [
    { op: "begin", from, to },
    { op: "reach", from, to, ...loses("peer") },
    { op: "finish", from, to, ...loses("driver") },
  ];
}

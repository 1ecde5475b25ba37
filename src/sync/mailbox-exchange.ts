/**
 * One mailbox brought together: choose a route, plan, apply on both sides, and again if somebody wrote meanwhile.
 */
import { cursorAt, deltaAllowed } from "../merge/base.ts";
import { planMerge } from "../merge/merge.ts";
import { planMirror } from "../merge/mirror.ts";
import type { Decision, MergePlan, SidePlan } from "../merge/plan.ts";
import { planRenumbering } from "../merge/renumbering.ts";
import type { RecordBatch } from "../model/batch.ts";
import { isTandemError, TandemError } from "../model/errors.ts";
import { type AgreedState, type Cursor, type MailboxState, sameState } from "../model/state.ts";
import { packRecords } from "../store/shared/blocks.ts";
import type { EntryChange } from "../store/store.ts";
import type { Brake } from "./brake.ts";
import { type Gathered, gatherAll, gatherPairs, openPull, type SideMailbox } from "./gather.ts";
import { refuseOneWay } from "./one-way.ts";
import { onePage } from "./pages.ts";
import type { Agreement, ChangeHead, ChangeResult, Peer } from "./peer.ts";
import type { SyncOptions, SyncReport } from "./report.ts";
import { chooseRoute, type Route } from "./route.ts";

export type SideName = "left" | "right";

/** What all mailboxes of one sync share. */
export interface SyncContext {
  readonly peers: { readonly left: Peer; readonly right: Peer };
  readonly options: SyncOptions;
  readonly report: SyncReport;
  readonly brake: Brake;
  /** Saves cursors of both sides for mailboxes that turned out equal, or whose sides both got there. */
  readonly agree: (left: readonly Agreement[], right: readonly Agreement[]) => void;
}

/** Entries to be written together with the records, once it is known whether a live message remains (T03, T04, T05). */
export type EntryPlanner = (isAlive: boolean) => {
  readonly left: EntryChange | null;
  readonly right: EntryChange | null;
  /** Modseq of the entry afterwards. */
  readonly entryModseq: number;
};

/** Attempts at one mailbox that is written to meanwhile, before it is left to the next sync. */
const ATTEMPTS = 10;

export class MailboxExchange {
  readonly #context: SyncContext;
  readonly #entries: EntryPlanner | null;
  readonly #held = new Set<string>();
  #left: SideMailbox;
  #right: SideMailbox;
  #whole: boolean;

  constructor(context: SyncContext, left: SideMailbox, right: SideMailbox, entries: EntryPlanner | null = null) {
    this.#context = context;
    this.#left = left;
    this.#right = right;
    this.#entries = entries;
    this.#whole = context.options.full;
  }

  /** @throws TandemError `conflict` if the mailbox never held still, or what a side answers. */
  async run(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const route = this.#route();
      if (await this.#take(route)) return this.#reportHeld();
    }
    throw new TandemError("conflict", "The mailbox was changed during every attempt; run the sync again.");
  }

  #route(): Route {
    const { direction } = this.#context.options;
    const explain = this.#context.report.explains || this.#entries !== null;
    const route = chooseRoute(this.#left, this.#right, { direction, whole: this.#whole, explain });
    return route.name === "equal" && this.#entries !== null ? { ...route, name: "merge" } : route;
  }

  /** Goes one route; true if both sides are together, false to look again. */
  async #take(route: Route): Promise<boolean> {
    switch (route.name) {
      case "equal":
        return this.#agreed(this.#left.state, route.base);
      case "push":
        return this.#copy("right", route.base);
      case "pull":
        return this.#copy("left", route.base);
      case "renumber":
        return this.#renumber();
      default:
        return this.#merge(route.base);
    }
  }

  #side(name: SideName): SideMailbox {
    return name === "left" ? this.#left : this.#right;
  }

  #agreed(state: MailboxState, base: AgreedState | null): boolean {
    const { account, entry } = this.#left;
    const latest = { ...state, entryModseq: entry.modseq };
    const isSaved = base !== null && sameState(base, state) && base.entryModseq === latest.entryModseq;
    const rows = [{ account, mailboxId: entry.mailboxId, latest }];
    if (!isSaved && !this.#context.options.dryRun) this.#context.agree(rows, rows);
    return true;
  }

  /** Push or pull: the target takes the other side's changed records as they are. */
  async #copy(to: SideName, base: AgreedState | null): Promise<boolean> {
    const from = to === "right" ? "left" : "right";
    const [source, target] = [this.#context.peers[from], this.#context.peers[to]];
    const { account, entry } = this.#side(from);
    const pull = await openPull(source, this.#side(from), base);
    try {
      const after = { ...pull.mailbox.state, entryModseq: entry.modseq };
      const head = this.#head(to, after, cursorAt(after, base, to === "left"));
      const result = await target.change(head, pull.pages(), source);
      if (!this.#absorb(to, result)) return false;
      const row = { account, mailboxId: entry.mailboxId, latest: after };
      this.#context.agree(to === "right" ? [row] : [], to === "right" ? [] : [row]);
      return true;
    } catch (error) {
      return this.#compareWhole(error);
    } finally {
      await pull.close();
    }
  }

  async #merge(base: AgreedState | null): Promise<boolean> {
    const states = [this.#left.state, this.#right.state] as const;
    const isWhole = this.#whole || this.#held.size > 0 || !deltaAllowed(base, states);
    const gathered = await gatherPairs(this.#context.peers, this.#left, this.#right, isWhole ? null : base);
    if (!gathered.delta) this.#context.report.counts.fullResyncs++;
    this.#left = { ...this.#left, state: gathered.left.state };
    this.#right = { ...this.#right, state: gathered.right.state };
    if (this.#context.options.direction === "mirror") return this.#mirror(gathered);
    const plan = planMerge({
      left: gathered.left.state,
      right: gathered.right.state,
      base,
      delta: gathered.delta,
      pairs: gathered.pairs,
      ...(this.#held.size > 0 ? { held: this.#held } : {}),
    });
    await this.#brakeFor(plan);
    return this.#apply(plan, base);
  }

  async #renumber(): Promise<boolean> {
    const { peers, report } = this.#context;
    const left = await gatherAll(peers.left, this.#left);
    const right = await gatherAll(peers.right, this.#right);
    this.#left = { ...this.#left, state: left.mailbox.state };
    this.#right = { ...this.#right, state: right.mailbox.state };
    if (this.#left.state.uidValidity === this.#right.state.uidValidity) return false;
    report.counts.fullResyncs++;
    const plan = planRenumbering({
      left: left.mailbox.state,
      right: right.mailbox.state,
      leftRecords: left.records,
      rightRecords: right.records,
      held: this.#held,
    });
    return this.#apply(plan, null);
  }

  async #mirror({ left, right, pairs }: Gathered): Promise<boolean> {
    const plan = planMirror(left.state, right.state, pairs);
    await this.#context.brake.count(this.#left.account, plan.expunged);
    const nothing: SidePlan = { puts: [], after: left.state, reset: false };
    return this.#apply({ left: nothing, right: plan.target, decisions: plan.decisions }, null);
  }

  async #brakeFor(plan: MergePlan): Promise<void> {
    const isDeleted = this.#left.entry.deleted !== this.#right.entry.deleted;
    const gone = (decision: Decision) => decision.row === "M08" || (isDeleted && decision.row === "M03");
    await this.#context.brake.count(this.#left.account, plan.decisions.filter(gone).length);
  }

  /** Applies a plan: the right side first, the left one while the right side's bodies come in, but not before it. */
  async #apply(plan: MergePlan, base: AgreedState | null): Promise<boolean> {
    const { options, report } = this.#context;
    const { account, entry } = this.#left;
    const entries = this.#entries?.(plan.right.after.digest.count > 0) ?? null;
    const writesLeft = plan.left.puts.length > 0 || plan.left.reset;
    if (options.direction !== "both" && writesLeft) refuseOneWay(this.#left, this.#right, plan);
    const tell = () => report.decided(account, entry.name, plan.decisions);
    if (options.dryRun) {
      tell();
      return true;
    }
    const entryModseq = entries?.entryModseq ?? entry.modseq;
    const reached = this.#held.size > 0 ? null : { ...plan.right.after, entryModseq };
    const right = this.#applySide(
      "right",
      plan.right,
      entries?.right ?? null,
      reached && cursorAt(reached, base, false),
    );
    const done =
      options.direction === "both"
        ? await this.#applyBoth(right, plan.left, entries?.left ?? null, reached)
        : await right;
    if (!done) return false;
    tell();
    return true;
  }

  async #applyBoth(
    right: Promise<boolean>,
    plan: SidePlan,
    entry: EntryChange | null,
    reached: AgreedState | null,
  ): Promise<boolean> {
    const left = this.#applySide("left", plan, entry, reached && cursorAt(reached, null, true), right);
    const [isRight, isLeft] = await Promise.all([right, left]);
    return isRight && isLeft;
  }

  /** Writes one side's part, or saves its cursor where there is nothing to write. */
  async #applySide(
    name: SideName,
    plan: SidePlan,
    entry: EntryChange | null,
    cursor: Cursor | null,
    gate?: Promise<boolean>,
  ): Promise<boolean> {
    const side = this.#side(name);
    const isNothing = plan.puts.length === 0 && !plan.reset && entry === null && sameState(side.state, plan.after);
    if (isNothing) {
      const row = cursor && { account: side.account, mailboxId: side.entry.mailboxId, latest: cursor.latest };
      if (row !== null && (gate === undefined || (await gate)))
        this.#context.agree(name === "left" ? [row] : [], name === "right" ? [row] : []);
      return true;
    }
    const overrule = this.#context.options.direction === "mirror";
    const head = { ...this.#head(name, plan.after, cursor), reset: plan.reset, overrule, entry };
    const source = this.#context.peers[name === "left" ? "right" : "left"];
    const records = onePage<RecordBatch>([...packRecords(plan.puts)]);
    const isDone = this.#absorb(name, await this.#context.peers[name].change(head, records, source, gate));
    if (isDone)
      this.#refresh(name, { ...side, entry: entry?.value ?? side.entry, state: plan.after, cursor, changes: null });
    return isDone;
  }

  #head(to: SideName, after: MailboxState, cursor: Cursor | null): ChangeHead {
    const { account, entry, state } = this.#side(to);
    const { uidValidity, uidNext, highestModseq, purgedModseq, digest } = after;
    return {
      account,
      mailboxId: entry.mailboxId,
      before: state,
      after: { uidValidity, uidNext, highestModseq, purgedModseq, digest },
      reset: false,
      overrule: false,
      entry: null,
      cursor,
    };
  }

  /** Takes in what a side answered; true if it applied the change. */
  #absorb(to: SideName, result: ChangeResult): boolean {
    if (result.kind === "applied") {
      this.#context.report.transferred(to, result.records, result.bodies);
      return true;
    }
    if (result.kind === "unreadable") {
      for (const guid of result.guids) this.#held.add(guid);
      this.#whole = true;
      return false;
    }
    if (result.mailbox === null) return false;
    if (this.#entries === null && result.mailbox.entry.modseq !== this.#side(to).entry.modseq)
      throw new TandemError("conflict", "The mailbox was renamed or deleted meanwhile; run the sync again.");
    this.#refresh(to, { ...result.mailbox, exists: true });
    return false;
  }

  #refresh(side: SideName, mailbox: SideMailbox): void {
    if (side === "left") this.#left = mailbox;
    else this.#right = mailbox;
  }

  /** A push or pull whose digest does not come out: the sides differ in more than they know, so all is compared. */
  #compareWhole(error: unknown): boolean {
    if (this.#whole || !isTandemError(error, "invalid-change")) throw error;
    this.#whole = true;
    return false;
  }

  #reportHeld(): void {
    for (const guid of this.#held) {
      const what = `The bytes of message ${guid} cannot be read on the side that has it`;
      const error = new TandemError(
        "body-unreadable",
        `${what}; the rest of the mailbox is done. Restore it, then sync again.`,
      );
      this.#context.report.issue(this.#left.account, this.#left.entry.name, error);
    }
  }
}

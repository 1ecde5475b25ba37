/**
 * One mailbox brought together: choose a route, plan, apply on both sides, and again if somebody wrote meanwhile.
 */
import { cursorAt, deltaAllowed } from "../merge/base.ts";
import { planMerge } from "../merge/merge.ts";
import { changesMeaning, type MirrorPlan, mirrorAnew, planMirror } from "../merge/mirror.ts";
import { ownOfRight } from "../merge/own.ts";
import type { MergePlan, SidePlan } from "../merge/plan.ts";
import { ownOfVoid, planRenumbering, type RenumberingInput } from "../merge/renumbering.ts";
import { deltaSuffices } from "../merge/suffices.ts";
import type { RecordBatch } from "../model/batch.ts";
import { isTandemError, TandemError } from "../model/errors.ts";
import { type AgreedState, type Cursor, type MailboxState, sameAgreed, sameState } from "../model/state.ts";
import { packRecords } from "../store/shared/blocks.ts";
import { mailboxNotFound } from "../store/shared/errors.ts";
import type { EntryChange } from "../store/store.ts";
import type { Brake } from "./brake.ts";
import {
  type Gathered,
  gatherAll,
  gatherByRanges,
  gatherPairs,
  gatherWith,
  heldPull,
  openCopy,
  type SideMailbox,
} from "./gather.ts";
import { askFor } from "./guess.ts";
import { headOf, leadsToSame, once, unreadableError, writeBoth } from "./mailbox-change.ts";
import { rightHalf, underRight } from "./one-way.ts";
import { onePage } from "./pages.ts";
import type { Agreement, ChangeResult, Gate, Peer, Pull, SurveyedMailbox } from "./peer.ts";
import type { SyncOptions, SyncReport } from "./report.ts";
import { chooseRoute, isVoid, type Route } from "./route.ts";

export type SideName = "left" | "right";

/** What all mailboxes of one sync share. */
export interface SyncContext {
  readonly peers: { readonly left: Peer; readonly right: Peer };
  readonly options: SyncOptions;
  readonly report: SyncReport;
  readonly brake: Brake;
  /** Saves cursors of both sides for mailboxes that turned out equal, or whose sides both got there. */
  readonly agree: (left: readonly Agreement[], right: readonly Agreement[]) => void;
  /** Told of what both sides were written to, of which the right one, which was first, cannot know; null if nobody waits for it. */
  readonly written: ((right: Agreement) => void) | null;
}

/** Entries to be written together with the records, once it is known whether a live message remains (T03, T04, T05). */
export type EntryPlanner = (isAlive: boolean) => {
  readonly left: EntryChange | null;
  readonly right: EntryChange | null;
  /** Modseq of the entry afterwards. */
  readonly entryModseq: number;
};

/**
 * What is left to the other node, which is at it too: nothing; what only that one changed, so that no message crosses twice;
 * or also what both changed and has to be decided. What only this side changed is brought over in any case.
 */
export type Leaves = "nothing" | "news" | "all";

/** Attempts at one mailbox that is written to meanwhile, before it is left to the next sync. */
const ATTEMPTS = 10;
/** Attempts to write both sides, before every other one writes the left side alone. */
const PATIENCE = 5;
/** Attempts of the left side alone, each a matter of a moment. */
const ATTEMPTS_ALONE = 30;

export class MailboxExchange {
  readonly #context: SyncContext;
  readonly #entries: EntryPlanner | null;
  readonly #leaves: Leaves;
  readonly #held = new Set<string>();
  #left: SideMailbox;
  #right: SideMailbox;
  /** Compare both sides as a whole, by ranges. */
  #whole: boolean;
  /** Compare whole lists, since what the ranges told did not come out. */
  #lists = false;
  /**
   * Whether only the left side is to be written. Both sides of a mailbox that clients write to all the time never hold
   * still together, but the left one, which is in this process, does for the moment that its own part takes. A merge that
   * was applied on one side only is one that was interrupted there: repeated, it gives the same (P11).
   */
  #alone = false;
  #progressed = false;
  #renamed = false;

  constructor(
    context: SyncContext,
    left: SideMailbox,
    right: SideMailbox,
    entries: EntryPlanner | null = null,
    leaves: Leaves = "nothing",
  ) {
    this.#context = context;
    this.#leaves = leaves;
    this.#left = left;
    this.#right = right;
    this.#entries = entries;
    this.#whole = context.options.full;
  }

  /** Whether the left side has taken over what the right one had, though both are not together yet. */
  get progressed(): boolean {
    return this.#progressed;
  }

  /** Whether it ended since the mailbox was renamed or deleted on a side. */
  get renamed(): boolean {
    return this.#renamed;
  }

  /**
   * @returns false if it is left to the other node.
   * @throws TandemError `conflict` if the mailbox never held still, or what a side answers.
   */
  async run(): Promise<boolean> {
    const { options, peers } = this.#context;
    const canBeAlone =
      options.direction === "both" && peers.left.inTurn !== null && this.#entries === null && !options.dryRun;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.#alone = canBeAlone && attempt >= PATIENCE && attempt % 2 === 0;
      let route = this.#route();
      if (this.#right.isAssumed && route.name !== "push") {
        await this.#ask();
        route = this.#route();
      }
      if (this.#isLeft(route)) return false;
      if (await this.#attempt(route)) {
        this.#reportHeld();
        return true;
      }
    }
    throw new TandemError("conflict", "The mailbox was changed during every attempt; run the sync again.");
  }

  /** Whether it is left to the other node; one with an unreadable message is compared as a whole, whoever changed it. */
  #isLeft({ name }: Route): boolean {
    if (this.#leaves === "nothing" || this.#held.size > 0) return false;
    return name === "pull" || (this.#leaves === "all" && (name === "merge" || name === "renumber"));
  }

  /**
   * Asks the right side what was assumed of it. A push is refused where the assumption is wrong; all else would be decided on
   * it: with a base at which the other side never was, what it got meanwhile could be taken for purged (P6).
   * @throws TandemError `not-found`, or `conflict` if it was renamed or deleted.
   */
  async #ask(): Promise<void> {
    const { account, entry } = this.#left;
    const right = await askFor(this.#context.peers.right, account, entry.mailboxId);
    if (right === null) throw mailboxNotFound(account, entry.mailboxId);
    this.#meet("right", right);
  }

  /** One attempt; if a digest does not come out, the sides differ in more than they know, so all is compared. */
  async #attempt(route: Route): Promise<boolean> {
    try {
      return await this.#go(route);
    } catch (error) {
      if (this.#lists || !isTandemError(error, "invalid-change")) throw error;
      this.#lists = this.#whole;
      return this.#compareWhole();
    }
  }

  #route(): Route {
    const { direction } = this.#context.options;
    const explain = this.#context.report.explains || this.#entries !== null;
    const copies = this.#context.peers.left.storeEpoch === this.#context.peers.right.storeEpoch;
    const route = chooseRoute(this.#left, this.#right, { direction, whole: this.#whole, explain, copies });
    return route.name === "equal" && this.#entries !== null ? { ...route, name: "merge" } : route;
  }

  /** Goes one route; true if both sides are together, false to look again. */
  async #go(route: Route): Promise<boolean> {
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
    // One side's cursor can be proof enough for a base; then the other one's is still to be saved.
    const holdIt = [this.#left, this.#right].every(({ cursor }) => sameAgreed(cursor?.latest ?? null, latest));
    const isSaved = sameAgreed(base, latest) && holdIt;
    const rows = [{ account, mailboxId: entry.mailboxId, latest }];
    if (!isSaved && !this.#context.options.dryRun) this.#context.agree(rows, rows);
    return true;
  }

  /** Push or pull: the target takes the other side's changed records as they are. */
  async #copy(to: SideName, base: AgreedState | null): Promise<boolean> {
    const from = to === "right" ? "left" : "right";
    const [source, target] = [this.#context.peers[from], this.#context.peers[to]];
    const { account, entry } = this.#side(from);
    const pull = await openCopy(source, this.#side(from), base);
    try {
      const after = { ...pull.mailbox.state, entryModseq: entry.modseq };
      const head = headOf(this.#side(to), after, cursorAt(after, base, true));
      const result = await target.change(head, pull.pages(), source);
      if (!this.#absorb(to, result)) return false;
      const row = { account, mailboxId: entry.mailboxId, latest: after };
      this.#context.agree(to === "right" ? [row] : [], to === "right" ? [] : [row]);
      return true;
    } finally {
      await pull.close();
    }
  }

  async #merge(base: AgreedState | null): Promise<boolean> {
    if (this.#alone) return this.#mergeAlone(base);
    const { direction } = this.#context.options;
    const gathered = await this.#gather(this.#readable(base));
    if (isVoid(gathered.left.state, gathered.right.state, direction)) {
      this.#take(gathered);
      return false;
    }
    if (direction === "mirror") {
      this.#take(gathered);
      return this.#mirror(gathered);
    }
    const plan = await this.#plan(gathered, base);
    return plan === null ? this.#compareWhole() : this.#apply(plan, base);
  }

  /** Lets the left side take over what the right one had a moment ago, however busy its own clients are. */
  async #mergeAlone(base: AgreedState | null): Promise<boolean> {
    const { left: peer, right: other } = this.#context.peers;
    const from = this.#readable(base);
    const right = await heldPull(other, this.#right, from);
    const { account, entry } = this.#left;
    for (let attempt = 0; attempt < ATTEMPTS_ALONE; attempt++) {
      const once = () => this.#writeAlone(right, from, base);
      // The first attempt fetches messages, for which nobody shall wait.
      const isOver = await (attempt === 0 || peer.inTurn === null
        ? once()
        : peer.inTurn(account, entry.mailboxId, once));
      if (isOver) break;
    }
    return false;
  }

  /** One attempt; false if it is worth another one. */
  async #writeAlone(right: Pull, from: AgreedState | null, base: AgreedState | null): Promise<boolean> {
    const plan = await this.#plan(await gatherWith(this.#context.peers.left, this.#left, right, from), base);
    if (plan === null) {
      this.#compareWhole();
      return true;
    }
    if (plan.left.puts.length === 0 && sameState(this.#left.state, plan.left.after)) return true;
    const reached = { ...plan.right.after, entryModseq: this.#left.entry.modseq };
    const cursor = this.#held.size > 0 ? null : cursorAt(reached, base, false);
    if (await this.#applySide("left", plan.left, null, cursor)) this.#progressed = true;
    return this.#progressed || this.#held.size > 0;
  }

  /** The base above which records may be read alone, or null where whole lists have to be compared. */
  #readable(base: AgreedState | null): AgreedState | null {
    const states = [this.#left.state, this.#right.state] as const;
    return this.#whole || this.#held.size > 0 || !deltaAllowed(base, states) ? null : base;
  }

  /** What differs: since the base, or where there is none, in the ranges that differ, or in whole lists. */
  async #gather(from: AgreedState | null): Promise<Gathered> {
    const { peers } = this.#context;
    const found = from !== null || this.#lists ? null : await gatherByRanges(peers, this.#left, this.#right);
    if (found !== null) return found;
    this.#lists ||= from === null;
    return gatherPairs(peers, this.#left, this.#right, from);
  }

  #take(gathered: Gathered): void {
    if (!gathered.delta) this.#context.report.counts.fullResyncs++;
    this.#left = { ...this.#left, state: gathered.left.state, tombstones: null };
    this.#right = { ...this.#right, state: gathered.right.state, tombstones: null };
  }

  /** The plan for both sides, or null if what was gathered does not suffice for one. @throws TandemError `brake`. */
  async #plan(gathered: Gathered, base: AgreedState | null): Promise<MergePlan | null> {
    const isOneWay = this.#context.options.direction === "one-way";
    const { left, right, delta, pairs } = isOneWay ? underRight(gathered, this.#right) : gathered;
    this.#take(gathered);
    if (delta && !deltaSuffices({ pairs, base })) return null;
    const held = this.#held.size > 0 ? { held: this.#held } : {};
    const input = { left: left.state, right: right.state, base, delta, pairs, ...held };
    const whole = planMerge(input);
    if (!leadsToSame(whole) && delta) return null;
    const plan = isOneWay ? rightHalf(this.#left, this.#right, whole, () => ownOfRight(input)) : whole;
    await this.#brakeFor(plan);
    return plan;
  }

  async #renumber(): Promise<boolean> {
    const { report, options } = this.#context;
    const lists = await this.#readAll();
    if (!isVoid(lists.left, lists.right, options.direction)) return false;
    report.counts.fullResyncs++;
    if (options.direction === "mirror") return this.#overrule(mirrorAnew(lists));
    const plan = planRenumbering({ ...lists, held: this.#held });
    if (options.direction === "both") return this.#apply(plan, null);
    const own = () => ownOfVoid(lists.leftRecords, lists.rightRecords);
    return this.#apply(rightHalf(this.#left, this.#right, plan, own), null);
  }

  /** Both sides' whole lists, and their states as of then. */
  async #readAll(): Promise<RenumberingInput> {
    const { peers } = this.#context;
    const left = await gatherAll(peers.left, this.#left);
    const right = await gatherAll(peers.right, this.#right);
    this.#left = { ...this.#left, state: left.mailbox.state, tombstones: null };
    this.#right = { ...this.#right, state: right.mailbox.state, tombstones: null };
    const records = { leftRecords: left.records, rightRecords: right.records };
    return { left: this.#left.state, right: this.#right.state, ...records };
  }

  async #mirror({ left, right, pairs }: Gathered): Promise<boolean> {
    const isHigher = right.state.uidValidity > left.state.uidValidity;
    const isAnew = isHigher && pairs.some((pair) => changesMeaning(pair, right.state));
    return this.#overrule(isAnew ? mirrorAnew(await this.#readAll()) : planMirror(left.state, right.state, pairs));
  }

  /** Writes the right side as the left one is, whatever it has of its own. @throws TandemError `brake`. */
  async #overrule({ target, expunged, decisions }: MirrorPlan): Promise<boolean> {
    await this.#brake(expunged);
    const nothing: SidePlan = { puts: [], after: this.#left.state, reset: false };
    return this.#apply({ left: nothing, right: target, decisions }, null);
  }

  async #brakeFor(plan: MergePlan): Promise<void> {
    const isDeleted = this.#left.entry.deleted !== this.#right.entry.deleted;
    const alive = this.#left.entry.deleted ? plan.right : plan.left;
    const deleted = alive.puts.filter((put) => put.expunged && put.graves.length > 0).length;
    const purged = plan.decisions.filter((decision) => decision.row === "M08").length;
    await this.#brake(isDeleted ? deleted : purged);
  }

  #brake(expunged: number): Promise<void> {
    const { account, entry } = this.#left;
    return this.#context.brake.count(account, entry.mailboxId, expunged);
  }

  /** Applies a plan: the right side first, the left one while its bodies come in, but not before it. */
  async #apply(plan: MergePlan, base: AgreedState | null): Promise<boolean> {
    const { options, report } = this.#context;
    const { account, entry } = this.#left;
    const entries = this.#entries?.(plan.right.after.digest.count > 0) ?? null;
    const tell = () => report.decided(account, entry.name, plan.decisions);
    if (options.dryRun) {
      tell();
      return true;
    }
    const entryModseq = entries?.entryModseq ?? entry.modseq;
    // One way, the right side may be ahead in its counters: what both have in common is the left side's state.
    const common = options.direction === "both" ? plan.right.after : this.#left.state;
    const reached = this.#held.size > 0 ? null : { ...common, entryModseq };
    const cursor = reached && cursorAt(reached, base, false);
    const writeRight = once(() => this.#applySide("right", plan.right, entries?.right ?? null, cursor));
    const writeLeft = () =>
      this.#applySide("left", plan.left, entries?.left ?? null, reached && cursorAt(reached, null, true), writeRight);
    if (!(await (options.direction === "both" ? writeBoth(plan, writeLeft, writeRight) : writeRight()))) return false;
    if (options.direction === "both" && reached !== null)
      this.#context.written?.({ account, mailboxId: entry.mailboxId, latest: reached });
    tell();
    return true;
  }

  /** Writes one side's part, or saves its cursor where there is nothing to write. */
  async #applySide(
    name: SideName,
    plan: SidePlan,
    entry: EntryChange | null,
    cursor: Cursor | null,
    gate?: Gate,
  ): Promise<boolean> {
    const side = this.#side(name);
    const isNothing = plan.puts.length === 0 && !plan.reset && entry === null && sameState(side.state, plan.after);
    if (isNothing) {
      const row = cursor && { account: side.account, mailboxId: side.entry.mailboxId, latest: cursor.latest };
      if ((gate === undefined || (await gate())) && row !== null)
        this.#context.agree(name === "left" ? [row] : [], name === "right" ? [row] : []);
      return true;
    }
    const overrule = this.#context.options.direction === "mirror";
    const head = { ...headOf(side, plan.after, cursor), reset: plan.reset, overrule, entry };
    const source = this.#context.peers[name === "left" ? "right" : "left"];
    const records = onePage<RecordBatch>([...packRecords(plan.puts)]);
    const isDone = this.#absorb(name, await this.#context.peers[name].change(head, records, source, gate));
    if (isDone)
      this.#refresh(name, {
        ...side,
        entry: entry?.value ?? side.entry,
        state: plan.after,
        tombstones: null,
        cursor,
        changes: null,
      });
    return isDone;
  }

  /** Takes in what a side answered; true if it applied the change. */
  #absorb(to: SideName, result: ChangeResult): boolean {
    this.#context.report.transferred(to, result.kind === "applied" ? result.records : 0, result.bodies);
    if (result.kind === "applied") return true;
    if (result.kind === "unreadable") {
      for (const guid of result.guids) this.#held.add(guid);
      this.#whole = true;
      return false;
    }
    if (result.mailbox !== null) this.#meet(to, result.mailbox);
    return false;
  }

  /** Takes in how a side's mailbox is now. @throws TandemError `conflict` if it is another one. */
  #meet(side: SideName, mailbox: SurveyedMailbox): void {
    this.#renamed = this.#entries === null && mailbox.entry.modseq !== this.#side(side).entry.modseq;
    if (this.#renamed)
      throw new TandemError("conflict", "The mailbox was renamed or deleted meanwhile; run the sync again.");
    this.#refresh(side, { ...mailbox, exists: true });
  }

  #refresh(side: SideName, mailbox: SideMailbox): void {
    if (side === "left") this.#left = mailbox;
    else this.#right = mailbox;
  }

  /** The next attempt compares both sides as a whole. */
  #compareWhole(): boolean {
    this.#whole = true;
    return false;
  }

  #reportHeld(): void {
    for (const guid of this.#held)
      this.#context.report.issue(this.#left.account, this.#left.entry.name, unreadableError(guid));
  }
}

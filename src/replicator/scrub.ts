/**
 * The scrub: slowly reads everything that the store holds, round after round, and finds what the disk has changed. It keeps
 * its place in the store, and goes on there after a restart.
 */
import { isTandemError } from "../model/errors.ts";
import { MAX_UID } from "../model/record.ts";
import type { UidRange } from "../store/store.ts";
import type { LocalFault } from "../sync/local-faults.ts";
import { Bell } from "./bell.ts";
import { NEVER_SCRUBBED, type OpenFault, parseScrub, SCRUB_NOTE, type ScrubState } from "./fault-list.ts";
import { type FaultSettings, Faults } from "./faults.ts";
import { MailboxReading, type Place, placesFrom, type Slice } from "./scrub-reading.ts";

/** How much the scrub may take. */
export interface ScrubPace {
  /** Most bytes a second. 0 turns it off; what was found already is repaired all the same. */
  readonly bytesPerSecond: number;
  /** Least milliseconds from the beginning of one round to that of the next. */
  readonly roundMs: number;
}

export const DEFAULT_SCRUB: ScrubPace = { bytesPerSecond: 1024 * 1024, roundMs: 7 * 24 * 60 * 60 * 1000 };

/** Milliseconds' worth of reading between two pauses. */
const SLICE_MS = 500;
/** Milliseconds between two notes of how far the round is: each is synced, which costs more than what is read meanwhile. */
const KEPT_EVERY_MS = 10_000;
/** Pause before the next attempt where the store itself fails, in milliseconds. */
const FAILED_MS = 60_000;
/** Between two rounds, however short one may be, in milliseconds. */
const LEAST_PAUSE_MS = 1000;
/** After this it is looked again whether there is something to do: timers cannot wait for ever. */
const MOST_WAIT_MS = 3_600_000;

export class Scrub {
  readonly #settings: FaultSettings;
  readonly #pace: ScrubPace;
  readonly #faults: Faults;
  readonly #bell: Bell;
  /** When it was last noted how far the round is. */
  #keptAt = 0;
  #state: ScrubState = NEVER_SCRUBBED;
  #places: AsyncGenerator<Place> | null = null;
  #reading: MailboxReading | null = null;
  /** Mailboxes in which an exchange met damage: they are read first. */
  readonly #suspects: MailboxReading[] = [];
  #isLoaded = false;
  #stopping = false;

  constructor(settings: FaultSettings, pace: ScrubPace) {
    this.#settings = settings;
    this.#pace = pace;
    this.#faults = new Faults(settings);
    this.#bell = new Bell(settings.environment);
  }

  /** Runs until `stop`; never throws. */
  async run(): Promise<void> {
    const { onEvent } = this.#settings;
    while (!this.#stopping) {
      const waitMs = await this.#turn().catch((error: unknown) => {
        const code = isTandemError(error) ? error.code : "internal";
        onEvent({ event: "scrub-failed", code, message: error instanceof Error ? error.message : String(error) });
        return FAILED_MS;
      });
      if (!this.#stopping && waitMs > 0) await this.#bell.wait(Math.min(waitMs, MOST_WAIT_MS));
    }
    await this.#places?.return(undefined);
  }

  stop(): void {
    this.#stopping = true;
    this.#bell.ring();
  }

  /** A peer was reached: it may have what is lacking. */
  peerConnected(): void {
    this.#faults.tryAgain();
    this.#bell.ring();
  }

  /** An exchange of a mailbox met damage, here or at the other side. */
  suspect(account: string, mailboxId: string): void {
    const isKnown = this.#suspects.some(({ place }) => place.account === account && place.mailboxId === mailboxId);
    if (!isKnown) this.#suspects.push(this.#readingOf({ account, mailboxId, uid: 0 }));
    this.#bell.ring();
  }

  /** A sum was wrong, and is right now. */
  corrected(fault: LocalFault): void {
    this.#faults.corrected(fault);
  }

  /** Does a little; returns for how many milliseconds to do nothing then. */
  async #turn(): Promise<number> {
    const { store, environment } = this.#settings;
    if (!this.#isLoaded) {
      await this.#faults.load();
      this.#state = parseScrub(await store.note(SCRUB_NOTE));
      this.#isLoaded = true;
    }
    await this.#faults.repairDue();
    const [suspect] = this.#suspects;
    if (suspect !== undefined) {
      const slice = await this.#read(suspect);
      if (slice === null || slice.reached === null) this.#suspects.splice(this.#suspects.indexOf(suspect), 1);
      return this.#pauseAfter(slice?.bytes ?? 0);
    }
    const idleMs = this.#faults.idleMs();
    if (this.#pace.bytesPerSecond === 0) return idleMs;
    const { started, finished } = this.#state;
    const begins = Math.max(started + this.#pace.roundMs, (finished ?? -LEAST_PAUSE_MS) + LEAST_PAUSE_MS);
    const untilRound = begins - environment.now();
    if (this.#state.place === null && untilRound > 0) return Math.min(untilRound, idleMs);
    return this.#pauseAfter(await this.#continueRound());
  }

  get #bytesPerSecond(): number {
    return this.#pace.bytesPerSecond || DEFAULT_SCRUB.bytesPerSecond;
  }

  #pauseAfter(bytes: number): number {
    return Math.ceil((1000 * bytes) / this.#bytesPerSecond);
  }

  /** Reads the next slice of the round; returns how many bytes that were. */
  async #continueRound(): Promise<number> {
    const { store } = this.#settings;
    this.#places ??= placesFrom(store, this.#state.place ?? (await this.#beginRound()));
    if (this.#reading === null) {
      const { value: place } = await this.#places.next();
      if (place === undefined) return this.#endRound();
      this.#reading = this.#readingOf(place);
    }
    const { account, mailboxId } = this.#reading.place;
    const slice = await this.#read(this.#reading);
    const reached = slice?.reached ?? null;
    if (reached === null) this.#reading = null;
    const messages = this.#state.messages + (slice?.messages ?? 0);
    this.#state = { ...this.#state, place: { account, mailboxId, uid: reached ?? MAX_UID }, messages };
    if (this.#settings.environment.now() - this.#keptAt >= KEPT_EVERY_MS) await this.#keep(this.#state);
    return slice?.bytes ?? 0;
  }

  /** Whatever is neither record nor message is looked at in one go. */
  async #beginRound(): Promise<Place> {
    const { store, environment } = this.#settings;
    const now = environment.now();
    const found = (await store.check()).map((message) => openFault({ account: "", mailboxId: "" }, message, now));
    await this.#faults.replaceOthers(found);
    const place = { account: "", mailboxId: "", uid: 0 };
    await this.#keep({ ...this.#state, started: now, place, messages: 0 });
    return place;
  }

  async #endRound(): Promise<number> {
    const { environment, onEvent } = this.#settings;
    const now = environment.now();
    this.#places = null;
    await this.#keep({ ...this.#state, place: null, finished: now });
    const { messages, started } = this.#state;
    onEvent({ event: "scrub-done", messages, faults: this.#faults.count, ms: now - started });
    return 0;
  }

  async #keep(state: ScrubState): Promise<void> {
    this.#state = state;
    this.#keptAt = this.#settings.environment.now();
    await this.#settings.store.writeNote(SCRUB_NOTE, JSON.stringify(state));
  }

  /** A slice of a mailbox, its faults taken over; null if the mailbox is gone. */
  async #read(reading: MailboxReading): Promise<Slice | null> {
    const now = this.#settings.environment.now();
    try {
      const slice = await reading.slice((this.#bytesPerSecond * SLICE_MS) / 1000);
      const lost = slice.unreadable.map((guid) => ({
        ...openFault(reading.place, bodySentence(reading.place, slice.name, guid), now),
        code: "body-unreadable" as const,
        guid,
      }));
      const damaged = slice.damaged.map((range) => ({
        ...openFault(reading.place, recordsSentence(reading.place, slice.name, range), now),
        ...range,
      }));
      await this.#faults.add([...damaged, ...lost]);
      return slice;
    } catch (error) {
      // Deleted meanwhile, or its entry is damaged, which `check` tells.
      if (isTandemError(error, "not-found") || isTandemError(error, "digest-fault")) return null;
      throw error;
    }
  }

  #readingOf(place: Place): MailboxReading {
    return new MailboxReading(this.#settings.store, place, (fault) => this.#faults.corrected(fault));
  }
}

function openFault({ account, mailboxId }: Omit<Place, "uid">, message: string, now: number): OpenFault {
  const what = { guid: null, firstUid: null, lastUid: null, code: "digest-fault" as const, message };
  return { account, mailboxId, ...what, since: now, failures: 0, nextTry: now };
}

function bodySentence({ account }: Place, name: string, guid: string): string {
  const where = `mailbox ${JSON.stringify(name)} of account ${JSON.stringify(account)}`;
  return `The bytes of message ${guid} in ${where} are damaged or missing in this store.`;
}

function recordsSentence({ account }: Place, name: string, { firstUid, lastUid }: UidRange): string {
  const where = `mailbox ${JSON.stringify(name)} of account ${JSON.stringify(account)}`;
  return `The records of UIDs ${Math.max(1, firstUid)} to ${lastUid} of ${where} are damaged in this store.`;
}

/**
 * Keeps the faults that were found in the own store, and has them repaired: each peer that is connected is asked; what none
 * of them has is tried again after ever longer delays (scenario 22).
 */
import { isTandemError } from "../model/errors.ts";
import type { MailboxStore } from "../store/store.ts";
import type { LocalFault } from "../sync/local-faults.ts";
import { type Giver, repairBodies, repairRecords } from "../sync/repair.ts";
import type { Environment } from "./environment.ts";
import type { ReplicatorEvent } from "./events.ts";
import {
  afterFailure,
  allDue,
  dueFaults,
  FAULTS_NOTE,
  isSameFault,
  type OpenFault,
  parseFaults,
  untilDue,
  withFound,
  without,
} from "./fault-list.ts";

export interface FaultSettings {
  readonly store: MailboxStore;
  readonly environment: Environment;
  /** Peers that are connected now and may give what is in this account. */
  readonly givers: (account: string) => readonly Giver[];
  readonly onEvent: (event: ReplicatorEvent) => void;
}

export class Faults {
  readonly #settings: FaultSettings;
  #list: readonly OpenFault[] = [];

  constructor(settings: FaultSettings) {
    this.#settings = settings;
  }

  get count(): number {
    return this.#list.length;
  }

  async load(): Promise<void> {
    this.#list = parseFaults(await this.#settings.store.note(FAULTS_NOTE));
  }

  /** Milliseconds until there is something to repair. */
  idleMs(): number {
    return untilDue(this.#list, this.#settings.environment.now());
  }

  /** A peer was reached: it may have what is lacking. */
  tryAgain(): void {
    this.#list = allDue(this.#list, this.#settings.environment.now());
  }

  /** Tells of a fault that was corrected as soon as it was found. */
  corrected({ account, mailboxId, code, message }: LocalFault): void {
    this.#settings.onEvent({ event: "fault-found", account, mailboxId, code, message });
    this.#settings.onEvent({ event: "fault-repaired", account, mailboxId, code, message });
  }

  /** Takes over what was found; tells of what was not known. */
  async add(found: readonly OpenFault[]): Promise<void> {
    const known = this.#list.length;
    const list = withFound(this.#list, found);
    for (const fault of list.slice(known)) this.#tell("fault-found", fault);
    await this.#keep(list);
  }

  /** Puts what was found now in the place of what was found earlier, of all that no peer can help with. */
  async replaceOthers(found: readonly OpenFault[]): Promise<void> {
    const gone = this.#list.filter((fault) => fault.account === "" && !found.some((one) => isSameFault(one, fault)));
    for (const fault of gone) this.#tell("fault-repaired", fault);
    await this.#keep(without(this.#list, gone));
    await this.add(found);
  }

  /** Tries to repair what is due. @throws TandemError `io` of the own store. */
  async repairDue(): Promise<void> {
    const { environment, givers } = this.#settings;
    const due = dueFaults(this.#list, environment.now());
    if (due.length === 0) return;
    const repaired: OpenFault[] = [];
    for (const account of new Set(due.map((fault) => fault.account)))
      for (const giver of givers(account)) {
        const left = without(due, repaired).filter((fault) => fault.account === account);
        if (left.length > 0) repaired.push(...(await this.#repairFrom(giver, left)));
      }
    for (const fault of repaired) this.#tell("fault-repaired", fault);
    const failed = without(due, repaired);
    const list = without(this.#list, repaired);
    await this.#keep(afterFailure(list, failed, environment.now(), environment.random));
    for (const fault of this.#list)
      if (failed.some((one) => isSameFault(one, fault)) && Number.isInteger(Math.log2(fault.failures)))
        this.#tell("fault-stays", fault);
  }

  /** Those that a peer could help with; one that fails helps with no more. */
  async #repairFrom(giver: Giver, faults: readonly OpenFault[]): Promise<OpenFault[]> {
    const { store } = this.#settings;
    const repaired: OpenFault[] = [];
    try {
      const guids = faults.flatMap(({ guid }) => guid ?? []);
      const whole = guids.length === 0 ? [] : await repairBodies(store, guids, giver);
      repaired.push(...faults.filter(({ guid }) => guid !== null && whole.includes(guid)));
      for (const fault of faults) if (await this.#areRestored(fault, giver)) repaired.push(fault);
    } catch (error) {
      if (isTandemError(error, "io")) throw error;
    }
    return repaired;
  }

  async #areRestored({ account, mailboxId, firstUid, lastUid }: OpenFault, giver: Giver): Promise<boolean> {
    if (firstUid === null || lastUid === null) return false;
    const range = { firstUid, lastUid };
    return (await repairRecords(this.#settings.store, account, mailboxId, [range], giver)) > 0;
  }

  #tell(event: "fault-found" | "fault-repaired" | "fault-stays", fault: OpenFault): void {
    const { account, mailboxId, code, message, failures, nextTry } = fault;
    const attempts = event === "fault-stays" ? { failures, nextTry } : {};
    this.#settings.onEvent({ event, account, mailboxId, code, message, ...attempts });
  }

  async #keep(list: readonly OpenFault[]): Promise<void> {
    const text = JSON.stringify(list);
    const isNew = text !== JSON.stringify(this.#list);
    this.#list = list;
    if (isNew) await this.#settings.store.writeNote(FAULTS_NOTE, text);
  }
}

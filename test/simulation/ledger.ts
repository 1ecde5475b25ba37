/**
 * What clients did, in numbers that hold however it is merged: how many messages of a GUID were accepted into the mailboxes
 * of a name, and how many of them somebody expunged. Names that a mailbox went through count as one.
 */

interface Entry {
  accepted: number;
  expunged: number;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  /** By name, the name it counts under. */
  readonly #groups = new Map<string, string>();

  accept(name: string, guid: string): void {
    this.#entry(name, guid).accepted++;
  }

  expunge(name: string, guid: string): void {
    this.#entry(name, guid).expunged++;
  }

  /** A mailbox goes from the one name to the other: what was counted under both is counted together from now on. */
  rename(from: string, to: string): void {
    const [group, other] = [this.groupOf(to), this.groupOf(from)];
    if (group === other) return;
    for (const [name, known] of this.#groups) if (known === other) this.#groups.set(name, group);
    this.#groups.set(other, group);
    for (const [key, entry] of [...this.#entries]) {
      if (!key.startsWith(`${other}/`)) continue;
      this.#entries.delete(key);
      const sum = this.#entry(group, key.slice(other.length + 1));
      sum.accepted += entry.accepted;
      sum.expunged += entry.expunged;
    }
  }

  /** Most messages of this GUID there can be in mailboxes of this name. */
  accepted(name: string, guid: string): number {
    return this.#entry(name, guid).accepted;
  }

  /** How many of them may be gone. */
  expunged(name: string, guid: string): number {
    return this.#entry(name, guid).expunged;
  }

  /** The name that a name counts under; "box (2)" was "box" until another mailbox took that name (T06). */
  groupOf(name: string): string {
    const plain = name.replace(/( \(\d+\))+$/, "");
    return this.#groups.get(plain) ?? plain;
  }

  #entry(name: string, guid: string): Entry {
    const key = `${this.groupOf(name)}/${guid}`;
    const entry = this.#entries.get(key) ?? { accepted: 0, expunged: 0 };
    this.#entries.set(key, entry);
    return entry;
  }
}

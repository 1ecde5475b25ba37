/**
 * The mailboxes of one account in memory, found by id, alias and name.
 */
import { compareText } from "../../model/flags.ts";
import type { Block } from "../shared/blocks.ts";
import type { TreeAccess } from "../shared/tree.ts";
import type { Mailbox } from "../store.ts";

/** Immutable. */
export interface MemoryMailbox extends Mailbox {
  /** In UID order. */
  readonly blocks: readonly Block[];
}

export function withoutBlocks({ entry, state, tombstones }: Mailbox): Mailbox {
  return { entry, state, tombstones };
}

export class MemoryAccount implements TreeAccess {
  modseq = 0;
  readonly #mailboxes = new Map<string, MemoryMailbox>();

  /** Sorted by id. */
  list(): Mailbox[] {
    const mailboxes = [...this.#mailboxes.values()].map(withoutBlocks);
    return mailboxes.sort((a, b) => compareText(a.entry.mailboxId, b.entry.mailboxId));
  }

  /** By id or alias. */
  find(mailboxId: string): MemoryMailbox | undefined {
    return this.#mailboxes.get(mailboxId) ?? this.#mailboxes.get(this.aliasHolder(mailboxId) ?? "");
  }

  byId(mailboxId: string): Mailbox | null {
    return this.#mailboxes.get(mailboxId) ?? null;
  }

  aliasHolder(alias: string): string | null {
    return this.#idOf((mailbox) => mailbox.entry.aliases.includes(alias));
  }

  nameHolder(name: string): string | null {
    return this.#idOf((mailbox) => !mailbox.entry.deleted && mailbox.entry.name === name);
  }

  /** Puts a mailbox in the place of the one with `oldId`. */
  put(oldId: string, mailbox: MemoryMailbox, modseq: number): void {
    this.#mailboxes.delete(oldId);
    this.#mailboxes.set(mailbox.entry.mailboxId, mailbox);
    this.modseq = modseq;
  }

  /** Puts mailboxes whose records stay as they are. */
  putAll(mailboxes: readonly Mailbox[], modseq: number): void {
    for (const mailbox of mailboxes) {
      const { mailboxId } = mailbox.entry;
      const blocks = this.#mailboxes.get(mailboxId)?.blocks ?? [];
      this.#mailboxes.set(mailboxId, { ...withoutBlocks(mailbox), blocks });
    }
    this.modseq = modseq;
  }

  #idOf(fits: (mailbox: MemoryMailbox) => boolean): string | null {
    for (const [mailboxId, mailbox] of this.#mailboxes) if (fits(mailbox)) return mailboxId;
    return null;
  }
}

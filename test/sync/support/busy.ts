/** Two nodes with all kinds of work between them: what an interrupted exchange has to get through. */
import type { World } from "./world.ts";

/** In pieces, since it is larger than one. */
const LARGE = 300 * 1024;

/** Makes the nodes differ in every way that an exchange can find, most of it since an earlier agreement. */
export async function makeBusy(world: World): Promise<void> {
  await agreeOnSome(world);
  await writeAtA(world);
  await writeAtB(world);
}

async function agreeOnSome({ a, sync }: World): Promise<void> {
  for (const name of ["INBOX", "Flags", "Old", "Goes", "Kept"]) {
    await a.create(name);
    await a.deliver(name, `1 in ${name}`, `2 in ${name}`, `3 in ${name}`);
  }
  await sync();
}

async function writeAtA({ a }: World): Promise<void> {
  await a.deliver("INBOX", "A takes UID 4", "delivered to both");
  await a.expunge("INBOX", 1);
  await a.set("Flags", 1, "\\Seen", "$Label");
  await a.rename("Old", "New");
  await a.delete("Goes");
  await a.delete("Kept");
  await a.create("Made at A");
  await a.deliver("Made at A", "1 at A", "A".repeat(LARGE), "1 in Flags", "delivered to both");
  await a.create("Twice");
  await a.deliver("Twice", "twice: at A", "twice: on both");
}

async function writeAtB({ b }: World): Promise<void> {
  await b.deliver("INBOX", "B takes UID 4", "B's second", "delivered to both");
  await b.set("INBOX", 2, "\\Answered");
  await b.set("Flags", 1, "\\Flagged");
  await b.expunge("Flags", 2);
  await b.deliver("Kept", "new in a mailbox that A deleted");
  await b.create("Made at B");
  await b.deliver("Made at B", "1 at B", "B".repeat(LARGE));
  await b.create("Twice");
  await b.deliver("Twice", "twice: at B", "twice: on both");
}

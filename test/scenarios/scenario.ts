/** Registers a scenario by its number: it runs on both kinds of store, once with each node as the master. */
import { describe, expect, test } from "vitest";
import { dumpOf } from "../sync/support/checks.ts";
import { STORE_KINDS, type StoreKind } from "../sync/support/stores.ts";
import { World } from "../sync/support/world.ts";

export type Story = (world: World) => Promise<void>;

/** @param kinds stores it runs on: all, unless it is about amounts. */
export function scenario(number: number, title: string, story: Story, kinds: readonly StoreKind[] = STORE_KINDS): void {
  describe.each(kinds)("on the $kind store", (kind) => {
    test(`scenario ${number}: ${title}`, async () => {
      const byA = await play(kind, "a", story);
      const byB = await play(kind, "b", story);
      // P10: the result does not depend on who was master.
      expect(byB).toEqual(byA);
    });
  });
}

/** As `scenario`, but only node A starts the exchanges: what the story says differs with the roles. */
export function scenarioFromA(
  number: number,
  title: string,
  story: Story,
  kinds: readonly StoreKind[] = STORE_KINDS,
): void {
  test.each(kinds)(`scenario ${number}: ${title} ($kind store)`, async (kind) => {
    await play(kind, "a", story);
  });
}

/** Plays the story in a new world and returns what both nodes hold at its end. */
async function play(kind: StoreKind, master: "a" | "b", story: Story): Promise<unknown> {
  const world = await World.open(kind, master);
  try {
    await story(world);
    return [(await dumpOf(world.a.store)).accounts, (await dumpOf(world.b.store)).accounts];
  } finally {
    await world.close();
  }
}

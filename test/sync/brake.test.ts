/** The count of the mass-deletion brake. */
import { describe, expect, test } from "vitest";
import { Brake } from "../../src/sync/brake.ts";

describe("the brake", () => {
  const brakeOf = (total: number, allowed = false) =>
    new Brake({ allowed, totals: async () => total, advice: "say so" });

  test("stops above 100 messages and above half of the account, and says what lets them through", async () => {
    await brakeOf(100).count("ann", "a", 100);
    await brakeOf(202).count("ann", "a", 101);
    await expect(brakeOf(201).count("ann", "a", 101)).rejects.toMatchObject({
      code: "brake",
      message: expect.stringMatching(/101 of the 201 messages of account "ann".*, and if that is meant, say so\.$/),
    });
    await brakeOf(201, true).count("ann", "a", 101);
  });

  test("counts the mailboxes of an account together, and each account by itself", async () => {
    const brake = brakeOf(150);
    await brake.count("ann", "a", 60);
    await brake.count("bob", "b", 60);
    await brake.count("ann", "c", 40);
    await expect(brake.count("ann", "d", 1)).rejects.toMatchObject({ code: "brake" });
  });

  test("counts a mailbox once that is planned anew, since somebody wrote to it meanwhile", async () => {
    const brake = brakeOf(100);
    await brake.count("ann", "a", 60);
    await brake.count("ann", "a", 61);
    await brake.count("ann", "c", 39);
  });
});

/**
 * Mailbox names, and the uidValidity a name was seen with.
 */
import { describe, expect, it } from "vitest";
import { isTandemError } from "../../src/model/errors.ts";
import {
  checkedName,
  MAX_NAME_BYTES,
  type MailboxEntry,
  nameFault,
  uidValidityFloor,
} from "../../src/model/mailbox.ts";

function entry(mailboxId: string, name: string, formerNames: MailboxEntry["formerNames"] = []): MailboxEntry {
  const stamps = { nameStamp: 1, createdStamp: 1, modseq: 1 };
  return { mailboxId, name, ...stamps, deleted: false, attributes: [], aliases: [], formerNames };
}

describe("names", () => {
  it.each(["a b", '"', "größe", "100%", "*", "a/b", "..", "x".repeat(MAX_NAME_BYTES), "e\u0301", "\u00e9"])(
    "scenario 8: %j stays as it is",
    (name) => {
      expect(nameFault(name)).toBeNull();
      expect(checkedName(name)).toBe(name);
    },
  );

  it.each([
    ["", "is empty"],
    ["a\0b", "has a NUL character"],
    ["\udc00", "is not well-formed Unicode"],
    ["ä".repeat(MAX_NAME_BYTES / 2 + 1), "is longer than 1000 bytes"],
  ])("%j is refused", (name, fault) => {
    expect(nameFault(name)).toBe(fault);
    const error = (() => {
      try {
        return checkedName(name, "account");
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isTandemError(error, "invalid-argument") && error.message).toBe(
      `The account name ${JSON.stringify(name)} ${fault}; choose another.`,
    );
  });

  it("INBOX is one name in any case, for mailboxes only and for that name only", () => {
    expect(["inbox", "InBox", "INBOX"].map((name) => checkedName(name))).toEqual(["INBOX", "INBOX", "INBOX"]);
    expect(checkedName("inbox", "account")).toBe("inbox");
    expect(checkedName("Inbox/a")).toBe("Inbox/a");
  });
});

describe("P4: the uidValidity floor of a name", () => {
  const mailboxes = [
    { entry: entry("a", "Work"), state: { uidValidity: 5 } },
    { entry: entry("b", "Play", [{ name: "Work", uidValidity: 8 }]), state: { uidValidity: 9 } },
    { entry: { ...entry("c", "Work"), deleted: true }, state: { uidValidity: 6 } },
  ];

  it("is the highest that any other mailbox showed under it, deleted ones and former names included", () => {
    expect(uidValidityFloor(mailboxes, "Work", null)).toBe(8);
    expect(uidValidityFloor(mailboxes, "Work", "b")).toBe(6);
    expect(uidValidityFloor(mailboxes, "Play", null)).toBe(9);
  });

  it("is 0 for a name never used", () => {
    expect(uidValidityFloor(mailboxes, "New", null)).toBe(0);
    expect(uidValidityFloor(mailboxes, "Play", "b")).toBe(0);
  });
});

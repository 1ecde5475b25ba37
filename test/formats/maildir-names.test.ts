/** Names in a Maildir: mailboxes and folders, flags, order of delivery. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compareDelivery,
  deliveryKey,
  exportedBase,
  exportedGuid,
  flagsOfFile,
  folderOfMailbox,
  infoOfFlags,
  mailboxOfDirectory,
  mailboxOfFolder,
} from "../../src/formats/maildir-names.ts";
import { nameFault } from "../../src/model/mailbox.ts";

describe("folders", () => {
  test.each([
    [".Work", "Work"],
    [".Work.Projects", "Work/Projects"],
    [".Entw&APw-rfe", "Entwürfe"],
    [".R&D", "R&D"],
    [".Entwürfe", "Entwürfe"],
    [".&AAA-", "&AAA-"],
    [".a..b", "a//b"],
  ])("%s holds %s", (folder, mailbox) => {
    expect(mailboxOfFolder(folder)).toBe(mailbox);
  });

  test("a plain directory is one level, with its dots", () => {
    expect(mailboxOfDirectory("v1.2 &AOk-")).toBe("v1.2 é");
  });

  test.each([
    ["a.b", ".a&AC4-b"],
    ["a//b", ".a&AC8ALw-b"],
    ["/", ".&AC8-"],
    [".", ".&AC4-"],
    ["..", ".&AC4ALg-"],
    ["a/", ".a&AC8-"],
    ["INBOX/Sub", ".INBOX.Sub"],
  ])("scenario 8: %s is written as %s and comes back", (mailbox, folder) => {
    expect(folderOfMailbox(mailbox)).toEqual({ folder, exact: true });
    expect(mailboxOfFolder(folder)).toBe(mailbox);
  });

  test("scenario 8: every name comes back, or its folder is marked as not exact and short enough", () => {
    const name = fc.string({
      unit: fc.oneof(
        fc.constantFrom("/", ".", "&", "-", " "),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      ),
      minLength: 1,
      maxLength: 120,
    });
    fc.assert(
      fc.property(name, (mailbox) => {
        fc.pre(nameFault(mailbox) === null);
        const { folder, exact } = folderOfMailbox(mailbox);
        expect(folder).toMatch(/^\.[^/]+$/);
        expect(folder.length).toBeLessThanOrEqual(255);
        expect([".", ".."]).not.toContain(folder);
        if (exact) expect(mailboxOfFolder(folder)).toBe(mailbox);
      }),
    );
  });

  test("scenario 8: two long names get two folders, which no other name gets", () => {
    const [one, other] = ["x".repeat(900), "x".repeat(901)].map(folderOfMailbox);
    expect(one?.exact).toBe(false);
    expect(one?.folder).not.toBe(other?.folder);
    expect(folderOfMailbox(one?.folder.slice(1) ?? "").folder).not.toBe(one?.folder);
  });
});

describe("flags", () => {
  test("letters are flags, small letters keywords, others nothing", () => {
    expect(flagsOfFile("1.x:2,DFPRSTZb", [undefined, "work"]).sort()).toEqual(
      ["$Forwarded", "\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen", "work"].sort(),
    );
    expect(flagsOfFile("1.x", [])).toEqual([]);
    expect(flagsOfFile("1.x:1,S", [])).toEqual([]);
    expect(flagsOfFile("1.x:2,a", [])).toEqual([]);
  });

  test("the info part has its letters sorted, as Maildir wants it", () => {
    expect(infoOfFlags(["\\Seen", "\\Draft", "work", "$forwarded"], () => "c")).toBe(":2,DPSc");
    expect(infoOfFlags(["homeless"], () => null)).toBe(":2,");
  });
});

describe("order of delivery", () => {
  test("time, then microseconds, then name", () => {
    const names = ["20.z", "9.b", "9.a", "20.M12P1.h", "20.M5P1.h", "20.V1M7.h"];
    expect(
      names
        .map(deliveryKey)
        .sort(compareDelivery)
        .map(({ name }) => name),
    ).toEqual(["9.a", "9.b", "20.z", "20.M5P1.h", "20.V1M7.h", "20.M12P1.h"]);
    expect(deliveryKey("letter")).toEqual({ name: "letter", seconds: null, microseconds: 0 });
  });

  test("exported names sort in UID order and tell their GUID", () => {
    const guid = "ab".repeat(32);
    const names = [2, 10, 1_000_000].map((uid) => exportedBase({ uid, guid, size: 3 }, 1_700_000_000));
    expect(
      names
        .toReversed()
        .map(deliveryKey)
        .sort(compareDelivery)
        .map(({ name }) => name),
    ).toEqual(names);
    expect(names.map((name) => exportedGuid(`${name}:2,S`))).toEqual([guid, guid, guid]);
    expect(exportedGuid("1700000000.M1P2.host:2,S")).toBeNull();
  });
});

/** What the view of the pair draws from given states; terminals, stores and processes are not needed. */
import { describe, expect, it } from "vitest";
import { drawFrame, drawLine, type Paint } from "../../examples/pair/draw.ts";
import { Ledger } from "../../examples/pair/ledger.ts";
import { isInStep, type MailboxLine, NO_COUNTS, type PairState, pairedMailboxes } from "../../examples/pair/state.ts";
import { bars, fitted, span, widthOf } from "../../examples/pair/text.ts";

const PLAIN: Paint = (_, text) => text;

function mailbox(name: string, messages: number, digest: string): MailboxLine {
  return { name, messages, uidNext: messages + 5, highestModseq: messages * 2 + 7, digest: digest.padEnd(16, "0") };
}

const INBOX = mailbox("INBOX", 42, "1600fc0a4a734af2");
const ANSWERS = mailbox("請求書", 3, "3a44e443978fd60b");

const STATE: PairState = {
  elapsedMs: 83_400,
  isStopping: false,
  nodes: [
    {
      name: "a",
      url: "ws://127.0.0.1:21034",
      pid: 4711,
      connection: "connected",
      waiting: 0,
      oldestMs: null,
      mailboxes: [ANSWERS, INBOX],
    },
    {
      name: "b",
      url: "ws://127.0.0.1:21035",
      pid: 4712,
      connection: "unreachable",
      waiting: 2,
      oldestMs: 1340,
      mailboxes: [INBOX, { ...ANSWERS, messages: 2, digest: "ffffffffffffffff" }, mailbox("Søknader", 1, "aa")],
    },
  ],
  happenings: [
    { at: "12:03:05", node: "b", what: "INBOX: 3 records, 1 body, 4 ms", isFault: false },
    { at: "12:03:04", node: "a", what: "peer-unreachable: nobody answers", isFault: true },
  ],
  totals: { ...NO_COUNTS, mailboxes: 3, records: 120 },
  rates: { ...NO_COUNTS, delivered: 4, flagged: 3.25, filed: 0.5, expunged: 1, records: 9.1, bodies: 4, exchanges: 7 },
  history: [0, 4, 8, 2],
  data: "./tandem-data",
};

const IN_STEP: PairState = {
  ...STATE,
  nodes: [
    { ...STATE.nodes[0], mailboxes: [INBOX] },
    { ...STATE.nodes[1], waiting: 0, oldestMs: null, connection: "connected", mailboxes: [INBOX] },
  ],
};

/** As it is seen: blanks at the end of a line are not. */
function frame(state: PairState, columns: number, rows: number): string {
  return drawFrame(state, { columns, rows }, PLAIN)
    .map((line) => line.trimEnd())
    .join("\n");
}

describe("a frame", () => {
  it("of 120 columns", () => {
    expect(frame(STATE, 120, 40)).toMatchInlineSnapshot(`
      " Tandem: two mail servers, kept identical                                                             1:23, Ctrl-C ends

       ● a  connected     nothing waits                           ws://127.0.0.1:21034, process 4711
       ○ b  unreachable   2 mailboxes wait, the oldest for 1.3 s  ws://127.0.0.1:21035, process 4712

                                      a ────────────────────────────────────────    b ────────────────────────────────────────
       mailbox                       messages  uidNext   modseq digest             messages  uidNext   modseq digest
       INBOX                               42       47       91 1600fc0a4a734af2 =       42       47       91 1600fc0a4a734af2
       Søknader                             -        -        - -                ≠        1        6        9 aa00000000000000
       請求書                               3        8       13 3a44e443978fd60b ≠        2        8       13 ffffffffffffffff
       MERGING  2 mailboxes differ; 3 mailboxes, 45 messages on both

       clients   4.0 mails/s in,  3.3 flagged,  1.0 expunged,  0.5 filed, 3 mailboxes made or renamed
       merged    9.1 records/s,  4.0 bodies,  7.0 exchanges, 120 records so far
       records/s  ▁▅█▃

       merged last
       12:03:05  b → a  INBOX: 3 records, 1 body, 4 ms
       12:03:04  a      peer-unreachable: nobody answers

       Meanwhile, in another terminal: npx tandem status ./tandem-data/a"
    `);
  });

  it("of 60 columns", () => {
    expect(frame(STATE, 60, 24)).toMatchInlineSnapshot(`
      " Tandem: two mail servers, kept identical 1:23, Ctrl-C ends

       ● a  connected     nothing waits
       ○ b  unreachable   2 mailboxes wait, the oldest for 1.3 s

                      a ──────────────────    b ──────────────────
       mailbox       mails modseq digest     mails modseq digest
       INBOX            42     91 1600fc0a =    42     91 1600fc0a
       Søknader          -      - -        ≠     1      9 aa000000
       請求書            3     13 3a44e443 ≠     2     13 ffffffff
       MERGING  2 mailboxes differ; 3 mailboxes, 45 messages on b…

       clients   4.0 mails/s in,  3.3 flagged,  1.0 expunged
       merged    9.1 records/s,  4.0 bodies,  7.0 exchanges
       records/s  ▁▅█▃

       merged last
       12:03:05  b → a  INBOX: 3 records, 1 body, 4 ms
       12:03:04  a      peer-unreachable: nobody answers

       Meanwhile, in another terminal: npx tandem status ./tandem…"
    `);
  });

  it("is as wide as the terminal, and no higher, whatever its size", () => {
    for (let columns = 60; columns <= 200; columns += 7) {
      for (let rows = 1; rows <= 30; rows++) {
        const lines = drawFrame(STATE, { columns, rows }, PLAIN);
        expect(lines.length).toBeLessThanOrEqual(rows);
        expect(lines.map(widthOf).filter((width) => width > columns)).toEqual([]);
      }
    }
  });

  it("says how many mailboxes have no room", () => {
    const many = Array.from({ length: 30 }, (_, i) => mailbox(`box ${i}`, i, "aa"));
    const nodes: PairState["nodes"] = [
      { ...STATE.nodes[0], mailboxes: many },
      { ...STATE.nodes[1], mailboxes: many },
    ];
    expect(frame({ ...STATE, nodes }, 80, 24)).toContain("\n and 21 more\n");
    expect(frame({ ...STATE, nodes }, 80, 24)).toContain("30 mailboxes, 435 messages on both");
  });

  it("tells at the end what it waits for", () => {
    expect(frame({ ...STATE, isStopping: true }, 100, 30)).toContain("waiting until both are in step");
  });

  it("shows names that could steer the terminal as they are spelled", () => {
    const evil = mailbox("\u001b[2J", 1, "aa");
    const nodes: PairState["nodes"] = [{ ...STATE.nodes[0], mailboxes: [evil] }, STATE.nodes[1]];
    expect(frame({ ...STATE, nodes }, 120, 40)).toContain("\\u001b[2J");
  });

  it("paints what differs, and what is connected", () => {
    const painted = drawFrame(STATE, { columns: 120, rows: 40 }, (style, text) => `<${style}>${text}</>`).join("\n");
    expect(painted).toContain("<green> ●</> a");
    expect(painted).toContain("<red> ○</> b");
    expect(painted).toContain("<yellow> ≠ </>");
    expect(painted).toContain("<green> = </>");
  });
});

describe("a line", () => {
  it("says whether both are in step", () => {
    expect(drawLine(STATE)).toBe(
      "1:23  2 of 3 mailboxes differ; a has 45 messages, 0 waiting; b has 45 messages, 2 waiting, unreachable; " +
        "4.0 mails/s in, 9.1 records/s merged",
    );
    expect(drawLine(IN_STEP)).toContain("1:23  in step; a has 42 messages, 0 waiting; b has 42");
    expect(drawLine({ ...IN_STEP, isStopping: true })).toContain("ending, in step");
  });
});

describe("both servers side by side", () => {
  it("INBOX first, the others by name, each with what differs", () => {
    const rows = pairedMailboxes(STATE.nodes).map(({ name, a, b, isSame }) => [name, a !== null, b !== null, isSame]);
    expect(rows).toEqual([
      ["INBOX", true, true, true],
      ["Søknader", false, true, false],
      ["請求書", true, true, false],
    ]);
  });

  it("in step only if nothing differs and nothing waits", () => {
    expect(isInStep(STATE)).toBe(false);
    expect(isInStep(IN_STEP)).toBe(true);
    expect(isInStep({ ...IN_STEP, nodes: [{ ...IN_STEP.nodes[0], waiting: 1 }, IN_STEP.nodes[1]] })).toBe(false);
    const behind = { ...IN_STEP.nodes[1], mailboxes: [{ ...INBOX, highestModseq: 1 }] };
    expect(isInStep({ ...IN_STEP, nodes: [IN_STEP.nodes[0], behind] })).toBe(false);
  });
});

describe("text", () => {
  it("is measured in columns of a terminal", () => {
    expect([widthOf("Søknader"), widthOf("請求書"), widthOf("e\u0301"), widthOf("🌻")]).toEqual([8, 6, 1, 2]);
  });

  it("is filled up or cut to its columns", () => {
    expect(fitted("ab", 4)).toBe("ab  ");
    expect(fitted("ab", 4, "right")).toBe("  ab");
    expect(fitted("abcdef", 4)).toBe("abc…");
    expect(fitted("請求書", 4)).toBe("請… ");
    expect(fitted("abc", 0)).toBe("");
  });

  it("of time spans and bars", () => {
    expect([340, 12_700, 184_000, 3_723_000].map(span)).toEqual(["0.3 s", "12 s", "3:04", "1:02:03"]);
    expect(bars([0, 4, 8, 2])).toBe("▁▅█▃");
    expect(bars([])).toBe("");
  });
});

describe("the ledger", () => {
  it("finds what is missing and what is there too often", () => {
    const ledger = new Ledger(["one", "two", "two"]);
    ledger.changed("three", 1);
    ledger.changed("one", -1);
    expect(ledger.judge(["two", "three", "two"])).toEqual({ expected: 3, missing: 0, doubled: 0 });
    expect(ledger.judge(["one", "two", "three", "three"])).toEqual({ expected: 3, missing: 1, doubled: 2 });
  });

  it("counts a delivered message by its bytes", () => {
    const ledger = new Ledger();
    ledger.delivered([Buffer.from("abc"), Buffer.from("abc")]);
    const guid = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(ledger.counts.delivered).toBe(2);
    expect(ledger.judge([guid, guid])).toEqual({ expected: 2, missing: 0, doubled: 0 });
  });
});

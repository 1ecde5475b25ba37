/**
 * Faults in the exchange, the stores and the protocol.
 */
import { faultsIn, type Mutant } from "./mutant.ts";

const MEMORY = "test/store/memory.test.ts";
const SIMULATION = "test/simulation/simulation.test.ts";

const STORES = [
  ...faultsIn("src/store/memory/memory-store.ts", MEMORY, [
    [
      "no compare-and-set",
      "P13",
      "a change is applied whatever the mailbox is now",
      "!sameState(mailbox.state, change.before) || ",
      "",
      "P11, scenario 20: a change planned on another state is a conflict, whatever differs",
    ],
    [
      "cursor before apply",
      "P11",
      "the cursor is saved before the change is sure to be",
      "    const blocks = new MemoryBlocks(mailbox.blocks, this.#bodies);",
      "    if (change.cursor !== undefined) this.#saveCursor(change.cursor.peer, change.account, mailbox.entry.mailboxId, change.cursor.cursor);\n    const blocks = new MemoryBlocks(mailbox.blocks, this.#bodies);",
      "P11: a refused change leaves no trace",
    ],
  ]),
  ...faultsIn("src/store/memory/memory-blocks.ts", MEMORY, [
    [
      "body after index",
      "P6",
      "a record becomes visible before its bytes are there",
      "if (!this.#bodies.has(guid)) throw bodyMissing(guid);",
      "if (!this.#bodies.has(guid)) continue;",
      "body-missing: a live record whose bytes are not there is refused by name",
    ],
  ]),
  ...faultsIn("src/store/memory/memory-log.ts", MEMORY, [
    [
      "bounced notice",
      "P9",
      "a change is logged to the channel it came from",
      "origin === undefined || row.peer !== origin",
      "row.name !== origin",
      "a change is not logged to channels to the node it came from, but to all others",
    ],
  ]),
  ...faultsIn("src/store/shared/log-entries.ts", MEMORY, [
    [
      "lost notice",
      "P9",
      "an entry is removed although its mailbox has changed since",
      "if (done.seq >= old.seq) return null;",
      "if (done.seq > 0) return null;",
      "done keeps an entry that changed since, for the rest, as a fresh one",
    ],
  ]),
  ...faultsIn("src/store/shared/write-records.ts", MEMORY, [
    [
      "unchecked digest",
      "P9",
      "a change is taken whose digest does not come out",
      "  checkDigest(live, change.after.digest);",
      "",
      "P11: a refused change leaves no trace",
    ],
  ]),
];

const MODEL = [
  ...faultsIn("src/model/digest.ts", "test/model/digest.test.ts", [
    [
      "XOR digest",
      "P9",
      "records are combined by XOR",
      "crc: (a.crc + b.crc) >>> 0, crcC: (a.crcC + b.crcC) >>> 0",
      "crc: (a.crc ^ b.crc) >>> 0, crcC: (a.crcC ^ b.crcC) >>> 0",
      "P9: kept by adding and subtracting, in any order, is what all records give",
    ],
    [
      "affine digest",
      "P9",
      "CRCs are summed without the non-linear step",
      "crc: mix32(crc32.buf(bytes)), crcC: mix32(crc32c.buf(bytes))",
      "crc: crc32.buf(bytes) >>> 0, crcC: crc32c.buf(bytes) >>> 0",
      "the same flag changed in any two of 2,000 messages, each lane for itself",
    ],
  ]),
  ...faultsIn("src/model/guard.ts", "test/model/guard.test.ts", [
    [
      "guard P2",
      "P2",
      "the store lets an expunged UID come back",
      "if (old?.expunged) refuse",
      "if (false) refuse",
      "P2: an expunged UID never comes back",
    ],
  ]),
];

const EXCHANGE = [
  ...faultsIn("src/sync/local-peer.ts", SIMULATION, [
    [
      "cursor of another epoch",
      "P6",
      "the cursor of any peer is taken for that of this one",
      "const rows = await this.#store.cursors(this.counterpart);",
      "const rows = (await Promise.all((await this.#store.peers()).map((peer) => this.#store.cursors(peer)))).flat();",
      "P1-P11 hold in simulated worlds",
    ],
  ]),
  ...faultsIn("src/sync/remote-peer.ts", "test/sync/hostile-replica.test.ts", [
    [
      "unverified body",
      "P12",
      "a message that nobody asked for is taken",
      "if (bodies.some(({ guid }) => !wanted.has(guid)))",
      "if (bodies.length < 0 && wanted.size < 0)",
      "P12: bytes that were not asked for are refused, and the master's mailbox stays",
    ],
  ]),
  ...faultsIn("src/sync/exchange.ts", "test/sync/cursors.test.ts", [
    [
      "own cursor",
      "P10",
      "of a mailbox that only the other side changed, this side's own cursor is forgotten",
      "hasChanged(one) || told.has(surveyKey(one))",
      "hasChanged(one) || told.size < 0",
      "P10: counts though it changed nothing",
    ],
  ]),
  ...faultsIn("src/sync/exchange.ts", "test/sync/races.test.ts", [
    [
      "one holds up all",
      "P12",
      "a mailbox that fails ends the whole exchange",
      "report.issue(left.account, left.entry.name, error);",
      "throw error;",
      "P13: before every attempt: given up with a conflict, both stores valid, the next exchange completes",
    ],
  ]),
  ...faultsIn("src/sync/mailbox-exchange.ts", "test/sync/cursors.test.ts", [
    [
      "assumed base",
      "P6",
      "what is only assumed of the other side is planned on",
      'if (this.#right.isAssumed && route.name !== "push")',
      "if (this.#right.isAssumed && this.#whole && !this.#whole)",
      "P6: restored and written to under a UID that the other node has purged since, and asked on a wrong guess",
    ],
  ]),
  ...faultsIn("src/sync/tree-exchange.ts", SIMULATION, [
    [
      "two planners",
      "P7",
      "both nodes make two mailboxes one at once",
      "if (yields && together.some(isUnion)) return null;",
      "",
      "its messages are in both",
    ],
    [
      "stale union",
      "P7",
      "two mailboxes are made one as planned before their entries changed",
      "if (!isAsPlanned(trees, pair)) continue;",
      "",
      "written back as it was planned before",
    ],
  ]),
  ...faultsIn("src/store/shared/log-entries.ts", MEMORY, [
    [
      "half a meeting",
      "P9",
      "a cursor of any state ends what waits for its peer",
      "sameAgreed(latest, agreed) && sameAgreed(latest, { ...state, entryModseq: entry.modseq })",
      "latest.uidValidity === state.uidValidity && agreed !== null && entry !== null",
      "as a saved cursor says, is done",
    ],
  ]),
  ...faultsIn("src/sync/body-intake.ts", SIMULATION, [
    [
      "sticky failure",
      "P9",
      "a disk that was full once is full for ever",
      "if (this.#staging === staging) this.#staging = Promise.resolve();",
      "",
      "P9: after a disk was full for a while, its connections fail for ever",
    ],
  ]),
  ...faultsIn("src/sync/channel-exchange.ts", SIMULATION, [
    [
      "mailbox nobody has",
      "P9",
      "a mailbox that nobody has is tried for ever",
      "return isNowhere ? ",
      "return isNowhere && false ? ",
      "P9: a log entry of a mailbox that its node lost before anybody got it is tried for ever",
    ],
  ]),
  ...faultsIn("src/merge/base.ts", "test/merge/base.test.ts", [
    [
      "base by role",
      "P10",
      "a cursor that only one side holds counts in one role alone",
      "provenAlone(left, right, states) ?? provenByBoth",
      "provenByBoth",
      "P10: is what one side knows that both reached, if the other still is there, whatever that one remembers",
    ],
  ]),
  ...faultsIn("protocol/frame.ts", "test/protocol/hostile.test.ts", [
    [
      "no scan",
      "P12",
      "frames are decoded without the scan",
      "unpack(bytes, prescan(bytes))",
      "unpack(bytes, bytes.length)",
      "bytes behind the end",
    ],
  ]),
];

export const ENGINE_MUTANTS: readonly Mutant[] = [...STORES, ...MODEL, ...EXCHANGE];

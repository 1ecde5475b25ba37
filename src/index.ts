/**
 * Tandem as a library: stores, local mail operations, and exchanges between them.
 */

export { decodeBatch, decodeColumns, encodeBatch, type RecordBatch } from "./model/batch.ts";
export { ERROR_CODES, type ErrorCode, isTandemError, TandemError } from "./model/errors.ts";
export { flagNames, parseFlags, SYSTEM_FLAGS } from "./model/flags.ts";
export type { MailboxAttribute, MailboxEntry } from "./model/mailbox.ts";
export type { FlagStamp, Grave, Guid, IndexRecord, LiveRecord, Tombstone } from "./model/record.ts";
export { type Cursor, formatDigest, type MailboxDigest, type MailboxState } from "./model/state.ts";
export * from "./operations/index.ts";
export { openEmbeddedStore } from "./store/embedded/embedded-store.ts";
export { MemoryStore } from "./store/memory/memory-store.ts";
export type {
  AccountTree,
  CursorRow,
  Mailbox,
  MailboxChange,
  MailboxSnapshot,
  MailboxStore,
  Outcome,
  TreeChange,
} from "./store/store.ts";
export { type CompareOptions, type Comparison, compareSides, type Difference } from "./sync/compare.ts";
export { type ReplicaOptions, serveReplica } from "./sync/replica.ts";
export type { Direction, Progress, ReportedDecision, SyncIssue, SyncOptions } from "./sync/report.ts";
export { DEFAULT_SYNC_OPTIONS, type SyncResult, syncOver, syncStores } from "./sync/session.ts";
export { createPair } from "./transport/pair.ts";
export type { FrameConnection, FrameListener } from "./transport/transport.ts";
export { connectWebSocket, listenWebSocket } from "./transport/websocket.ts";

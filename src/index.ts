/**
 * Tandem as a library: stores, local mail operations, and exchanges between them.
 */

export type { RecordBatch } from "./model/batch.ts";
export { decodeBatch, decodeColumns } from "./model/decode-batch.ts";
export { encodeBatch } from "./model/encode-batch.ts";
export { ERROR_CODES, type ErrorCode, isTandemError, TandemError } from "./model/errors.ts";
export { flagNames, parseFlags, SYSTEM_FLAGS } from "./model/flags.ts";
export type { MailboxAttribute, MailboxEntry } from "./model/mailbox.ts";
export type { FlagStamp, Grave, Guid, IndexRecord, LiveRecord, Tombstone } from "./model/record.ts";
export { type Cursor, formatDigest, type MailboxDigest, type MailboxState } from "./model/state.ts";
export * from "./operations/index.ts";
export { type Environment, SYSTEM } from "./replicator/environment.ts";
export { EVENTS, type EventLevel, type EventName, type ReplicatorEvent } from "./replicator/events.ts";
export type { PeerOptions } from "./replicator/peer-options.ts";
export { DEFAULT_PARALLEL, DEFAULT_SURVEY_MS, Replicator, type ReplicatorOptions } from "./replicator/replicator.ts";
export { type AccountStatus, type PeerStatus, readStatus } from "./replicator/status.ts";
export { type WaitOptions, waitForPeer } from "./replicator/wait.ts";
export type { Backlog, ChangeLog, ChannelRow, LogEntry, LogError, Settlement } from "./store/change-log.ts";
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
export { limitedStore } from "./sync/access.ts";
export { type CompareOptions, type Comparison, compareSides, type Difference } from "./sync/compare.ts";
export { type ReplicaOptions, serveReplica } from "./sync/replica.ts";
export type { Direction, Progress, ReportedDecision, SyncIssue, SyncOptions } from "./sync/report.ts";
export { DEFAULT_SYNC_OPTIONS, type MasterTrust, type SyncResult, syncOver, syncStores } from "./sync/session.ts";
export { type Access, type Credential, FULL_ACCESS, type Random, type TrustedPeer } from "./sync/trust.ts";
export { createPair } from "./transport/pair.ts";
export type { ConnectTls, ListenTls } from "./transport/tls.ts";
export type { FrameConnection, FrameListener } from "./transport/transport.ts";
export { type ConnectOptions, connectWebSocket, type ListenOptions, listenWebSocket } from "./transport/websocket.ts";

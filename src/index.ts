/**
 * Tandem as a library: stores, local mail operations, and exchanges between them. Every type that an exported signature names
 * is exported, too.
 */

export type { BatchColumns, RecordBatch } from "./model/batch.ts";
export { decodeBatch, decodeColumns, type IsWanted } from "./model/decode-batch.ts";
export { encodeBatch } from "./model/encode-batch.ts";
export { ERROR_CODES, type ErrorCode, isTandemError, TandemError } from "./model/errors.ts";
export { type FlagSet, flagNames, parseFlags, SYSTEM_FLAGS } from "./model/flags.ts";
export type { FormerName, MailboxAttribute, MailboxEntry } from "./model/mailbox.ts";
export type { FlagStamp, Grave, Guid, IndexRecord, LiveRecord, Tombstone } from "./model/record.ts";
export {
  type AgreedState,
  type Cursor,
  formatDigest,
  type MailboxDigest,
  type MailboxState,
  type RecordDigests,
} from "./model/state.ts";
export * from "./operations/index.ts";
export { type Environment, SYSTEM } from "./replicator/environment.ts";
export { EVENTS, type EventLevel, type EventName, type ReplicatorEvent } from "./replicator/events.ts";
export type { OpenFault, ScrubState } from "./replicator/fault-list.ts";
export type { PeerOptions } from "./replicator/peer-options.ts";
export { DEFAULT_PARALLEL, DEFAULT_SURVEY_MS, Replicator, type ReplicatorOptions } from "./replicator/replicator.ts";
export { DEFAULT_SCRUB, type ScrubPace } from "./replicator/scrub.ts";
export {
  type AccountStatus,
  type PeerStatus,
  readStatus,
  readStoreHealth,
  type StoreHealth,
} from "./replicator/status.ts";
export { type WaitOptions, waitForPeer } from "./replicator/wait.ts";
export type { Backlog, ChangeLog, ChannelRow, LogEntry, LogError, Settlement } from "./store/change-log.ts";
export { type EmbeddedStoreOptions, openEmbeddedStore } from "./store/embedded/embedded-store.ts";
export { MemoryStore, type MemoryStoreOptions } from "./store/memory/memory-store.ts";
export type {
  AccountTree,
  BodyWriter,
  CompactOptions,
  CompactResult,
  CompactStep,
  CursorRow,
  EntryChange,
  Examination,
  Mailbox,
  MailboxChange,
  MailboxHead,
  MailboxNews,
  MailboxPlace,
  MailboxSnapshot,
  MailboxStore,
  Outcome,
  RangeDigests,
  RecordSpool,
  ScanOptions,
  TreeChange,
  TreePut,
  UidRange,
} from "./store/store.ts";
export { limitedStore } from "./sync/access.ts";
export type { CompareOptions, Comparison, Difference } from "./sync/compare.ts";
export type { Greeting, Reception } from "./sync/hello.ts";
export type { LocalFault, OnFault } from "./sync/local-faults.ts";
export { type ReplicaOptions, serveReplica } from "./sync/replica.ts";
export type { Direction, Progress, ReportedDecision, SyncCounts, SyncIssue, SyncOptions } from "./sync/report.ts";
export {
  compareOver,
  compareStores,
  DEFAULT_SYNC_OPTIONS,
  type SyncResult,
  syncOver,
  syncStores,
} from "./sync/session.ts";
export {
  type Access,
  type Credential,
  FULL_ACCESS,
  type MasterTrust,
  type Random,
  type TrustedPeer,
} from "./sync/trust.ts";
export { createPair } from "./transport/pair.ts";
export type { QueueBounds } from "./transport/queue.ts";
export type { ConnectTls, ListenTls } from "./transport/tls.ts";
export type { FrameConnection, FrameListener, TransportStats } from "./transport/transport.ts";
export { type ConnectOptions, connectWebSocket, type ListenOptions, listenWebSocket } from "./transport/websocket.ts";

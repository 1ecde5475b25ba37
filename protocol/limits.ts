/**
 * Every limit of the protocol, each with its reason; `protocol/limits.md` lists them all.
 *
 * A receiver refuses what is above a limit with `limit`; a sender never sends it.
 */
const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of the longest frame: bounds what a peer can make a node allocate before anything is checked. */
export const MAX_FRAME_BYTES = MIB + 64 * KIB;

/** Bytes of the longest frame of a message that carries no list: a name, an id, two states and a text fit many times. */
export const MAX_SMALL_FRAME_BYTES = 16 * KIB;

/** Bytes of the longest `challenge` or `hello`: they are read before anything is known about the peer. */
export const MAX_HELLO_FRAME_BYTES = 8 * KIB;

/** Bytes of records or mailboxes at which a sender closes a frame: larger ones are no faster, and all fit MAX_FRAME_BYTES. */
export const FRAME_FILL_BYTES = 128 * KIB;

/** Bytes of messages at which a sender closes a `bodies` frame: what a frame costs by itself hardly counts then. */
export const BODIES_FILL_BYTES = 256 * KIB;

/** Containers inside each other in a frame; the messages need six. Deeper nesting can only be an attack on the decoder. */
export const MAX_DEPTH = 8;

/** Batches in one frame: bounds the objects made from it. A mailbox with one record a block sends batches of 40 bytes. */
export const MAX_BATCHES_PER_FRAME = 16_384;

/** Messages in one `bodies` frame, and GUIDs in one `fetch`, `fetched` or `audited`: bounds the objects made from it. */
export const MAX_BODIES_PER_FRAME = 8192;

/** Bytes of the largest message: sizes are 32-bit, as RFC822.SIZE is in IMAP. */
export const MAX_BODY_BYTES = 0xffff_ffff;

/** Bytes of a message in one `bodyPart`, and of the largest message in a `bodies` frame: larger ones go in parts. */
export const BODY_PART_BYTES = 256 * KIB;

/** Bytes of the bit set in `need`: one bit for each live record that fits into a frame of batches, with room to spare. */
export const MAX_NEED_BYTES = 8 * KIB;

/** Ranges of UIDs in one `compare`, `split` or `take`: bounds the work of one frame. Its answer of 16 sums each is half a frame. */
export const MAX_RANGES_PER_FRAME = 8192;

/** Sums in one `compared`: 16 parts for each range that was asked about. */
export const MAX_RANGE_SUMS = 16 * MAX_RANGES_PER_FRAME;

/** Requests of one side on one connection that have no answer yet: bounds what an answering node holds for a peer. */
export const MAX_IN_FLIGHT = 64;

/** Mailboxes in one `surveyed`, rows in one `agree`, entries in one `tree`: bounds the objects made from one frame. */
export const MAX_MAILBOXES_PER_FRAME = 4096;

/** Changes in one `changes`: bounds the transaction they are applied in, which other writers wait for. */
export const MAX_CHANGES_PER_FRAME = 256;

/** Accounts in one `surveyed`: as for mailboxes. */
export const MAX_ACCOUNTS_PER_FRAME = 4096;

/** Attributes, aliases and former names of one mailbox, each: far above what servers allow, far below a frame. */
export const MAX_ENTRY_ITEMS = 1000;

/** Bytes of an attribute's key: an annotation name of RFC 5464 is a path of mailbox-name length. */
export const MAX_ATTRIBUTE_KEY_BYTES = 1000;

/** Bytes of an attribute's value: the size servers allow for an annotation, and an ACL of some thousand users. */
export const MAX_ATTRIBUTE_VALUE_BYTES = 64 * KIB;

/** Bytes of the node's label in `hello`: it is printed in logs and in `status`. */
export const MAX_LABEL_BYTES = 255;

/** Bytes of `recent` in `hello`, 4 for each message: telling of more than 1024 costs more than the round trip it saves. */
export const MAX_RECENT_BYTES = 4 * KIB;

/** Characters of the text in `failed` and `error`: one sentence for people, printed in logs. */
export const MAX_TEXT_LENGTH = 1000;

/** Connections a listener holds at once: bounds memory; a peer needs one. */
export const MAX_CONNECTIONS = 256;

/** Milliseconds until the WebSocket handshake must be done: an unknown peer holds a socket no longer. */
export const HANDSHAKE_MS = 10_000;

/**
 * Milliseconds until an accepted connection must have proven itself, counted from TCP on: a peer needs four round trips;
 * a stranger that sends byte by byte gains nothing.
 */
export const PROOF_MS = 10_000;

/** Connections of a listener that have not proven themselves yet: fewer than MAX_CONNECTIONS, so that peers keep places. */
export const MAX_UNPROVEN = 64;

/** Bytes on a WebSocket before its peer has proven itself: a `hello` and some pings, and no memory for more. */
export const MAX_UNPROVEN_BYTES = 2 * MAX_HELLO_FRAME_BYTES;

/** Frames and pings a second on one connection; what comes faster waits. Live replication sends a few thousand. */
export const FRAMES_PER_SECOND = 20_000;

/** Frames and pings that may come at once after a pause: two seconds' worth, as an exchange of many small mailboxes has. */
export const MAX_FRAME_BURST = 40_000;

/** Milliseconds between two pings: finds a dead peer, and keeps address translators from forgetting the connection. */
export const PING_MS = 15_000;

/** Pings without a byte from the peer after which it is given up: four, so that a minute's pause of a busy peer is no death. */
export const MAX_SILENT_PINGS = 4;

/** Bytes waiting to be sent on a connection above which `send` waits: keeps the line busy without filling memory. */
export const SEND_BUFFER_BYTES = MIB;

/** Bytes received and not yet asked for above which a connection stops reading, so that the peer's `send` waits. */
export const RECEIVE_BUFFER_BYTES = MIB;

/** Frames received and not yet asked for above which a connection stops reading: small frames cost more than their bytes. */
export const RECEIVE_BUFFER_FRAMES = 1024;

/** WebSocket fragments of one frame: we send none, a proxy may cut a frame up. */
export const MAX_FRAGMENTS = 128;

/** Pieces of one frame as they come from the network: 64 bytes each on average; thinner ones are an attack. */
export const MAX_BUFFERED_CHUNKS = 16_384;

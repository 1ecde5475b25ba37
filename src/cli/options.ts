/**
 * Options of the commands, as commander hands them over; an option not given is not there.
 */

export interface JsonOption {
  readonly json?: boolean;
}

/** Commands that work on one account. */
export interface AccountOptions extends JsonOption {
  readonly account: string;
}

/** Commands that read one mailbox or, if none is named, all. */
export interface MailboxOptions extends AccountOptions {
  readonly mailbox?: string;
}

/** Commands that read one account or, if none is named, all. */
export interface SelectOptions extends JsonOption {
  readonly account?: string;
  readonly mailbox?: string;
}

export interface AppendOptions extends AccountOptions {
  readonly flag?: readonly string[];
  readonly date?: string;
}

export interface PurgeOptions extends MailboxOptions {
  readonly all?: boolean;
}

/** Commands that connect to nodes. */
export interface TrustOptions {
  readonly secretFile?: string;
  readonly node?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface SyncOptions extends SelectOptions, TrustOptions {
  readonly oneWay?: boolean;
  readonly mirror?: boolean;
  readonly dryRun?: boolean;
  readonly full?: boolean;
  readonly allowMassDeletion?: boolean;
}

export interface ServeOptions extends JsonOption {
  readonly config?: string;
  readonly check?: boolean;
  readonly listen?: string;
  readonly node?: string;
  readonly peer?: readonly string[];
  readonly peerSet?: readonly string[];
  readonly secretFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  readonly caFile?: string;
  readonly metrics?: string;
  readonly parallel?: string;
  readonly survey?: string;
  readonly connections?: string;
  readonly unprovenConnections?: string;
  readonly unprovenSeconds?: string;
  readonly framesPerSecond?: string;
  readonly log?: string;
  readonly scrubRate?: string;
  readonly scrubDays?: string;
  readonly allowUnauthenticated?: boolean;
}

export interface StatusOptions extends JsonOption {
  readonly peer?: string;
  readonly maxLag: string;
}

/** Commands about the channel to one peer. */
export interface PeerOption extends JsonOption {
  readonly peer: string;
}

export interface WaitOptions extends PeerOption {
  readonly timeout?: string;
}

export interface AllowOptions extends PeerOption {
  readonly account?: string;
}

export interface DiffOptions extends SelectOptions, TrustOptions {}

export interface VerifyOptions extends JsonOption, TrustOptions {
  readonly account?: string;
  readonly deep?: boolean;
  readonly repair?: boolean;
}

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

export interface SyncOptions extends SelectOptions {
  readonly oneWay?: boolean;
  readonly mirror?: boolean;
  readonly dryRun?: boolean;
  readonly full?: boolean;
  readonly allowMassDeletion?: boolean;
}

export interface ServeOptions extends JsonOption {
  readonly listen: string;
}

export interface VerifyOptions extends JsonOption {
  readonly account?: string;
  readonly deep?: boolean;
}

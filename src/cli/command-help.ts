/**
 * What the help of a command is made of.
 */

/** Help of one command: in the list of commands, above its options, below them. */
export interface CommandHelp {
  readonly summary: string;
  readonly description: string;
  readonly after: string;
}

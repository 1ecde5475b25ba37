/**
 * Numbers of things, for people.
 */

/** "1 message", "2 messages". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** "1 mailbox", "2 mailboxes". */
export function countMailboxes(count: number): string {
  return counted(count, "mailbox", "mailboxes");
}

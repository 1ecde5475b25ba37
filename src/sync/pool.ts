/**
 * Runs work side by side, and comes back only when all of it has ended, also where some of it fails.
 */

/**
 * Runs `work` on every item with at most `width` at once. If it throws, no further item is begun; what runs is waited
 * for, so that nothing goes on behind the caller's back.
 * @throws what `work` threw first.
 */
export async function forEachAtOnce<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async () => {
    try {
      for (let next = queue.next(); !next.done && failures.length === 0; next = queue.next()) await work(next.value);
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
}

/** The results of all, like `Promise.all`, but a failure is thrown only when all have ended. */
export async function allEnded<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [Key in keyof T]: Awaited<T[Key]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

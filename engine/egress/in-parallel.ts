// Work on many items, several at a time.

/** Runs `work` on each item, at most `count` at a time; rejects with the first failure, once all that began has ended. */
export async function inParallel<T>(
  count: number,
  items: AsyncIterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const item of items) {
      const one = work(item)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(one));
      running.add(one);
      if (running.size >= count) {
        await Promise.race(running);
      }
      if (failure) {
        break;
      }
    }
  } finally {
    await Promise.all(running);
  }
  if (failure) {
    throw failure.error;
  }
}

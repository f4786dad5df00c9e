// A sequence of which the first item was taken already.

/** Yields `first`, then the rest. */
export async function* startingWith<T>(first: T, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

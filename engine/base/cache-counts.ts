// How often what was looked for in a cache was there.

export class CacheCounts {
  hits = 0;
  misses = 0;

  /** Counts a look. */
  count(isHit: boolean): void {
    if (isHit) {
      this.hits += 1;
    } else {
      this.misses += 1;
    }
  }
}

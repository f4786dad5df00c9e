// Finds the word somebody meant. Pure text; knows nothing of what the words stand for.

/**
 * Returns the candidate nearest to `word`, or undefined where none is near enough to be meant: at most a third of the
 * letters, and never more than three, may be inserted, deleted, replaced or swapped with their neighbour, or the
 * candidate is short for the word, as `cmd` is for `command`. Upper and lower case, `-` and `_` count as the same.
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? shortForm(wanted, candidates);
}

function shortForm(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  for (const candidate of candidates) {
    const letters = plain(candidate);
    let at = 0;
    for (const letter of word) {
      at += letter === letters[at] ? 1 : 0;
    }
    const isShort = letters.length >= 3 && at === letters.length && letters[0] === word[0];
    if (isShort && candidate.length > (best?.length ?? 0)) {
      best = candidate;
    }
  }
  return best;
}

function plain(word: string): string {
  return word.slice(0, 64).toLowerCase().replaceAll(/[-_]/g, '');
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

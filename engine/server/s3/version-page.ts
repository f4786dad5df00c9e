// One page of versions, gathered from commits in any order of keys: no more is held than the page needs.

import type { FileEntry } from '../../pfs/files.ts';
import { isAfter } from './list-keys.ts';

/** What one commit made of a key. */
export interface Version {
  readonly id: string;
  readonly modified: number;
  readonly size: number;
  /** Undefined where the file went. */
  readonly entry: FileEntry | undefined;
  readonly isLatest: boolean;
}

interface Wanted {
  readonly prefix: string;
  readonly delimiter: string;
  /** The page begins after this key, or within it, after the version. */
  readonly keyMarker: string;
  readonly versionMarker: string;
  readonly max: number;
}

/** A line of a page: a version, or the common beginning of several keys. */
interface Line {
  readonly key: string;
  readonly version?: Version;
}

/** Takes the versions of each key from the newest on. */
export class VersionPage {
  readonly #wanted: Wanted;
  /** In order. */
  readonly #keys: string[] = [];
  readonly #lines = new Map<string, Line[]>();
  #count = 0;
  /** Whether the version that the page begins after has been met. */
  #isMet = false;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  /** Whether the page is full without this key, and without all that come after it. */
  isPast(key: string): boolean {
    const last = this.#keys.at(-1) ?? '';
    return this.#count > this.#wanted.max && !key.startsWith(last) && isAfter(key, last);
  }

  /** Whether versions of this key may be on the page. */
  wants(key: string): boolean {
    const { prefix, delimiter, keyMarker, versionMarker } = this.#wanted;
    if (!key.startsWith(prefix)) {
      return false;
    }
    if (key === keyMarker) {
      return versionMarker !== '';
    }
    const isShown = delimiter !== '' && keyMarker.endsWith(delimiter) && key.startsWith(keyMarker);
    return !isShown && isAfter(key, keyMarker);
  }

  /** Takes in a version of a key that the page {@link wants}. */
  add(key: string, version: Omit<Version, 'isLatest'>): void {
    const { prefix, delimiter, keyMarker, versionMarker, max } = this.#wanted;
    if (key === keyMarker && !this.#isMet) {
      this.#isMet = version.id === versionMarker;
      return;
    }
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = end < 0 ? key : key.slice(0, end + delimiter.length);
    const lines = this.#lines.get(name);
    const isLatest = lines === undefined && key !== keyMarker;
    const line = end < 0 ? { key, version: { ...version, isLatest } } : { key: name };
    if (lines === undefined) {
      this.#keys.splice(this.#placeOf(name), 0, name);
      this.#lines.set(name, [line]);
    } else if (end < 0) {
      lines.push(line);
    } else {
      return;
    }
    this.#count += 1;
    for (;;) {
      const last = this.#keys.at(-1) ?? '';
      const size = this.#lines.get(last)?.length ?? 0;
      if (this.#count - size <= max) {
        return;
      }
      this.#keys.pop();
      this.#lines.delete(last);
      this.#count -= size;
    }
  }

  /** Returns what is on the page, in order, and whether there is more. */
  cut(): { readonly shown: readonly Line[]; readonly isTruncated: boolean } {
    const all = this.#keys.flatMap((key) => this.#lines.get(key) ?? []);
    const { max } = this.#wanted;
    return { shown: all.slice(0, max), isTruncated: max > 0 && all.length > max };
  }

  #placeOf(name: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isAfter(name, this.#keys[middle] ?? '')) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

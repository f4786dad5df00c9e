// One page of versions, gathered from commits in any order of keys: of no key more is held than the page can show.

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

/** What is asked for. */
export interface VersionQuery {
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
  readonly #wanted: VersionQuery;
  /** In order. */
  readonly #keys: string[] = [];
  readonly #lines = new Map<string, Line[]>();
  #count = 0;

  constructor(wanted: VersionQuery) {
    this.#wanted = wanted;
  }

  /** Whether the page is full without this key, and without all that come after it. */
  isPast(key: string): boolean {
    const last = this.#keys.at(-1) ?? '';
    return this.#count > this.#wanted.max && !key.startsWith(last) && isAfter(key, last);
  }

  /** Whether the page is full of one key that no other can come before: no older version will be on it. */
  get isFull(): boolean {
    const { prefix, keyMarker, versionMarker, max } = this.#wanted;
    const first = versionMarker === '' ? prefix : keyMarker;
    return (this.#lines.get(first)?.length ?? 0) > max;
  }

  /** Whether this version of this key, older than all that were added, may be on the page. */
  wants(key: string): boolean {
    const { prefix, max } = this.#wanted;
    if (!key.startsWith(prefix) || !this.#isAhead(key)) {
      return false;
    }
    const name = this.#nameOf(key);
    const most = this.#isCommon(name) ? 0 : max;
    return (this.#lines.get(name)?.length ?? 0) <= most;
  }

  /** Whether the page may want a key below this directory, which ends in a slash. */
  wantsBelow(directory: string): boolean {
    const { prefix, keyMarker } = this.#wanted;
    const mayHold = directory.startsWith(prefix) || prefix.startsWith(directory);
    if (!mayHold || !(keyMarker.startsWith(directory) || this.#isAhead(directory))) {
      return false;
    }
    const name = this.#nameOf(directory);
    return !this.isPast(directory) && !(this.#isCommon(name) && this.#lines.has(name));
  }

  /** Takes in a version of a key that the page {@link wants}, or of the one within which it begins. */
  add(key: string, version: Omit<Version, 'isLatest'>): void {
    const { keyMarker, max } = this.#wanted;
    const name = this.#nameOf(key);
    const lines = this.#lines.get(name);
    const isLatest = lines === undefined && key !== keyMarker;
    const line = this.#isCommon(name) ? { key: name } : { key, version: { ...version, isLatest } };
    if (lines === undefined) {
      this.#keys.splice(this.#placeOf(name), 0, name);
      this.#lines.set(name, [line]);
    } else {
      lines.push(line);
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

  /** Returns what a key is listed under: itself, or the beginning that it has in common with others. */
  #nameOf(key: string): string {
    const { prefix, delimiter } = this.#wanted;
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    return end < 0 ? key : key.slice(0, end + delimiter.length);
  }

  #isCommon(name: string): boolean {
    const { prefix, delimiter } = this.#wanted;
    return delimiter !== '' && name.includes(delimiter, prefix.length);
  }

  /** Whether a key comes after the marker, and not below the common beginning that the last page ended with. */
  #isAhead(key: string): boolean {
    const { delimiter, keyMarker } = this.#wanted;
    const isShown = delimiter !== '' && keyMarker.endsWith(delimiter) && key.startsWith(keyMarker);
    return !isShown && isAfter(key, keyMarker);
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

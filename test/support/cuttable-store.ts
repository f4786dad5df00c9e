// A store that stops answering when told, as it is for an engine that was killed: nothing more is written, and nobody
// learns anything more.

import type { ObjectStore } from '../../engine/object/object-store.ts';

export class CuttableStore implements ObjectStore {
  readonly url: string;
  readonly #inner: ObjectStore;
  #isCut = false;

  constructor(inner: ObjectStore) {
    this.url = inner.url;
    this.#inner = inner;
  }

  cut(): void {
    this.#isCut = true;
  }

  get: ObjectStore['get'] = (...args) => this.#unlessCut(() => this.#inner.get(...args));
  put: ObjectStore['put'] = (...args) => this.#unlessCut(() => this.#inner.put(...args));
  head: ObjectStore['head'] = (...args) => this.#unlessCut(() => this.#inner.head(...args));
  delete: ObjectStore['delete'] = (...args) => this.#unlessCut(() => this.#inner.delete(...args));

  async *list(...args: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> {
    for await (const info of this.#inner.list(...args)) {
      yield await this.#unlessCut(() => Promise.resolve(info));
    }
  }

  #unlessCut<T>(work: () => Promise<T>): Promise<T> {
    return this.#isCut ? new Promise(() => undefined) : work();
  }
}

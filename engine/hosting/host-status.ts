// What the journal is told of a service or spout by the engine that hosts it.

import { EngineError } from '../base/errors.ts';
import type { HostRecord } from '../journal/host-record.ts';
import type { PipelineRecord } from '../journal/records.ts';
import type { PipelineState } from '../journal/states.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';

/** Digits of an engine's id that name its home. */
const HOME_DIGITS = 16;

const NOTHING: HostRecord = {
  owner: null,
  home: null,
  address: null,
  serving: null,
  version: null,
  since: null,
  restarts: 0,
  lastRestart: null,
};

/** Returns the part of an engine's id that all runs on its home share. */
export function homeOf(engine: string): string {
  return engine.slice(0, HOME_DIGITS);
}

/** How a pipeline is. */
interface Told {
  readonly state: PipelineState;
  readonly reason: string;
}

function isOtherHost(host: HostRecord, change: Partial<HostRecord>): boolean {
  return JSON.stringify({ ...host, ...change }) !== JSON.stringify(host);
}

function isOtherState(now: PipelineRecord, told: Told): boolean {
  return now.state !== told.state || now.reason !== told.reason;
}

/** Speaks for one pipeline as long as this engine hosts it. */
export class HostStatus {
  readonly #context: PfsContext;
  readonly #pipeline: Pick<PipelineRecord, 'key' | 'id'>;
  readonly #self: string;

  constructor(
    context: PfsContext,
    options: { readonly pipeline: Pick<PipelineRecord, 'key' | 'id'>; readonly self: string },
  ) {
    this.#context = context;
    this.#pipeline = options.pipeline;
    this.#self = options.self;
  }

  get key(): string {
    return this.#pipeline.key;
  }

  get id(): string {
    return this.#pipeline.id;
  }

  /** The pipeline as it is now, while it is this engine's to host. */
  get pipeline(): PipelineRecord | undefined {
    const { key, id } = this.#pipeline;
    const now = this.#context.journal.state.pipelines.get(key);
    return now?.id === id && now.host?.owner === this.#self && !now.stopped ? now : undefined;
  }

  /** Takes the pipeline from `from`. Rejects with `conflict` when another engine was faster. */
  async claim(from: string | null): Promise<void> {
    const { key, id } = this.#pipeline;
    await this.#context.journal.transact(
      (state) => {
        const now = state.pipelines.get(key);
        if (now?.id !== id || (now.host?.owner ?? null) !== from) {
          throw new EngineError(
            'conflict',
            `Cannot host pipeline "${shortRepo(key)}": another engine was faster`,
          );
        }
        const host = {
          ...NOTHING,
          ...now.host,
          owner: this.#self,
          home: homeOf(this.#self),
          since: null,
          version: null,
        };
        return {
          operations: [
            { kind: 'pipeline.hosted' as const, pipeline: key, pipelineId: id, from, host },
          ],
          result: null,
        };
      },
      { actor: 'engine' },
    );
  }

  /** Journals what has changed, and how the pipeline is, where that is news. Rejects with `conflict` once it is not ours. */
  async update(change: Partial<HostRecord>, how?: Told): Promise<void> {
    const { key, id } = this.#pipeline;
    const seen = this.pipeline;
    if (seen?.host && !isOtherHost(seen.host, change) && !(how && isOtherState(seen, how))) {
      return;
    }
    await this.#context.journal.transact(
      (state) => {
        const now = state.pipelines.get(key);
        const { host } = now ?? {};
        if (now?.id !== id || host?.owner !== this.#self) {
          throw new EngineError(
            'conflict',
            `Cannot say how pipeline "${shortRepo(key)}" is: another engine hosts it, or it is gone`,
          );
        }
        const next = { ...host, ...change };
        const isOther = how && !now.stopped && isOtherState(now, how);
        return {
          operations: [
            ...(isOtherHost(host, change)
              ? [
                  {
                    kind: 'pipeline.hosted' as const,
                    pipeline: key,
                    pipelineId: id,
                    from: this.#self,
                    host: next,
                  },
                ]
              : []),
            ...(isOther ? [{ kind: 'pipeline.state' as const, pipeline: key, ...how }] : []),
          ],
          result: null,
        };
      },
      { actor: 'engine' },
    );
  }

  /** Notes that a container ended by itself. */
  async restarted(reason: string): Promise<void> {
    const host = this.pipeline?.host;
    if (host) {
      const time = this.#context.clock.now();
      await this.update({ restarts: host.restarts + 1, lastRestart: { time, reason } });
    }
  }
}

// All services and spouts that this engine hosts: after every change it asks the plan what to do, and does it.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isEngineError } from '../base/errors.ts';
import { removeWorkerDirectory } from '../jobs/worker-directory.ts';
import type { PipelineKey } from '../journal/records.ts';
import { type HostedView, planHosting } from '../pipeline/hosting-plan.ts';
import type { Host, HostedWorker, HostParts } from './host.ts';
import { HostStatus, homeOf } from './host-status.ts';
import { ServiceHost } from './service-host.ts';
import { SpoutHost } from './spout-host.ts';

export interface HostingOptions extends HostParts {
  readonly isAlive: (owner: string) => boolean;
}

interface Hosted {
  readonly id: string;
  readonly kind: Host['kind'];
  /** Undefined while it is being claimed. */
  host?: Host;
  leaving?: Promise<void>;
}

/** Hosts what this engine should. */
export class Hosting {
  readonly #options: HostingOptions;
  readonly #hosted = new Map<PipelineKey, Hosted>();
  readonly #closing = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: HostingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#follow();
  }

  /** Asks the plan again although nothing was journaled: an engine died. */
  poke(): void {
    if (this.#loop && !this.#closing.signal.aborted) {
      this.#plan();
    }
  }

  /** Returns what runs for a pipeline in this engine. */
  workers(pipeline: PipelineKey): readonly HostedWorker[] {
    return this.#hosted.get(pipeline)?.host?.workers ?? [];
  }

  /** Resolves when nothing runs any more for a pipeline that was stopped or deleted. */
  async release(pipeline: PipelineKey): Promise<void> {
    this.poke();
    await this.#hosted.get(pipeline)?.leaving;
  }

  /** Ends all containers, for this or another engine to start them again. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
    await Promise.all([...this.#hosted].map(([key, hosted]) => this.#leave(key, hosted)));
  }

  /** Removes what an engine that was killed left on this machine. Call it before anything runs. */
  async sweep(): Promise<void> {
    const { scratch, executor, context } = this.#options;
    await removeWorkerDirectory(join(scratch, 'services'), executor);
    const alive = new Set([...context.journal.state.pipelines.values()].map(({ id }) => id));
    const spouts = join(scratch, 'spouts');
    const names = await readdir(spouts).catch(() => []);
    for (const name of names.filter((id) => !alive.has(id))) {
      await removeWorkerDirectory(join(spouts, name), executor);
    }
  }

  async #follow(): Promise<void> {
    const { context, onProblem } = this.#options;
    try {
      for await (const _ of context.journal.changes(this.#closing.signal)) {
        this.#plan();
        for (const { host } of this.#hosted.values()) {
          host?.refresh();
        }
      }
    } catch (error) {
      onProblem(error);
    }
  }

  #plan(): void {
    const { context, self, isAlive } = this.#options;
    const { pipelines } = context.journal.state;
    const views = [...pipelines.keysBy('hosted', 'hosted')].flatMap((key): HostedView[] => {
      const pipeline = pipelines.get(key);
      if (!pipeline) {
        return [];
      }
      const { id, spec, stopped: isStopped, host } = pipeline;
      const kind = spec.spout ? 'spout' : 'service';
      return [{ key, id, kind, isStopped, owner: host?.owner ?? null }];
    });
    // What is just being claimed is as good as ours, and is looked at again when it is.
    const settled = [...this.#hosted].filter(([, { host }]) => host !== undefined);
    const claiming = [...this.#hosted].filter(([, { host }]) => host === undefined);
    const actions = planHosting({
      self,
      isAlive,
      hosting: new Map(settled),
      pipelines: views.filter(({ key }) => !claiming.some(([other]) => other === key)),
    });
    for (const { kind, pipeline } of actions) {
      const hosted = this.#hosted.get(pipeline);
      const view = views.find(({ key }) => key === pipeline);
      if (kind === 'leave' && hosted) {
        void this.#leave(pipeline, hosted);
      } else if (kind === 'host' && view) {
        void this.#host(view);
      }
    }
  }

  async #host(view: HostedView): Promise<void> {
    const { key, id, kind, owner } = view;
    const { context, self, onProblem } = this.#options;
    const hosted: Hosted = { id, kind };
    this.#hosted.set(key, hosted);
    const status = new HostStatus(context, { pipeline: { key, id }, self });
    const home = context.journal.state.pipelines.get(key)?.host?.home ?? homeOf(self);
    try {
      await status.claim(owner);
    } catch (error) {
      this.#hosted.delete(key);
      if (!isEngineError(error, 'conflict')) {
        onProblem(error);
      }
      return;
    }
    const host =
      kind === 'spout'
        ? new SpoutHost(this.#options, { status, id, isHeir: home === homeOf(self) })
        : new ServiceHost(this.#options, { status, key });
    hosted.host = host;
    if (this.#closing.signal.aborted) {
      return;
    }
    host.start();
    this.poke();
  }

  #leave(key: PipelineKey, hosted: Hosted): Promise<void> {
    hosted.leaving ??= (async () => {
      await hosted.host?.close().catch(this.#options.onProblem);
      this.#hosted.delete(key);
      this.poke();
    })();
    return hosted.leaving;
  }
}

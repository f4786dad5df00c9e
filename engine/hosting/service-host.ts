// One service: the newest commit whose container is ready is served, through a door that stays open while containers come
// and go. What should be served follows from the journal alone, so that a restart needs nothing remembered.

import { errorText, isEngineError } from '../base/errors.ts';
import { endJob } from '../jobs/job-end.ts';
import { makerProblem } from '../jobs/pipeline-maker.ts';
import { Wake } from '../jobs/wake.ts';
import type { HostRecord } from '../journal/host-record.ts';
import type { JobRecord, PipelineRecord } from '../journal/records.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { atMost } from './at-most.ts';
import { BackOff } from './back-off.ts';
import { Deployment, deploymentDirectory } from './deployment.ts';
import { Doorway } from './doorway.ts';
import type { Host, HostedWorker, HostParts } from './host.ts';
import type { HostStatus } from './host-status.ts';
import { HostedRoom } from './hosted-room.ts';
import { Retirement } from './retirement.ts';
import {
  claimJob,
  lastServed,
  type Served,
  type ServiceJob,
  servedDatum,
  serviceJobs,
  takeOver,
} from './service-jobs.ts';
import { serviceState } from './service-state.ts';

/** How long a container has to end by itself where somebody waits for that, and how long what is under way may take then. */
const CLOSE_GRACE_MS = 2000;
const CLOSE_DRAIN_MS = 5000;

/** Hosts a service. */
export class ServiceHost implements Host {
  readonly kind = 'service';
  readonly #parts: HostParts;
  readonly #status: HostStatus;
  readonly #key: string;
  readonly #changed = new Wake();
  readonly #closing = new AbortController();
  readonly #door: Doorway;
  readonly #room: HostedRoom;
  readonly #retirement: Retirement;
  /** Why jobs that are yet to be served could not be, by id. */
  readonly #failures = new Map<string, string>();
  #work: Promise<void> | undefined;
  #serving: Deployment | undefined;
  #next: Deployment | undefined;
  /** What is served and is not yet journaled as such. */
  #untold: Deployment | undefined;
  /** Why the newest commit is not served and will not be. */
  #refused: { readonly reason: string; readonly isWrong: boolean } | undefined;
  #hasLooked = false;
  #reshaped: number | undefined;

  constructor(parts: HostParts, options: { readonly status: HostStatus; readonly key: string }) {
    this.#parts = parts;
    this.#status = options.status;
    this.#key = options.key;
    this.#door = new Doorway(parts.clock);
    this.#room = new HostedRoom(parts.admission, options.key);
    this.#retirement = new Retirement({
      ...parts,
      signal: this.#closing.signal,
      closeGraceMs: CLOSE_GRACE_MS,
    });
  }

  get workers(): readonly HostedWorker[] {
    return [this.#serving, this.#next].flatMap((one) => (one ? [one.worker] : []));
  }

  start(): void {
    this.#work ??= this.#run();
  }

  refresh(): void {
    this.#changed.notify();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#changed.notify();
    await this.#work;
    const all = [this.#serving, this.#next].filter((one) => one !== undefined);
    const drained = Promise.all(all.map(({ upstream }) => upstream?.drained()));
    await this.#door.close(atMost(drained, { ms: CLOSE_DRAIN_MS, clock: this.#parts.clock }));
    const closed = all.map((one) => one.close(CLOSE_GRACE_MS).catch(this.#parts.onProblem));
    await Promise.all([...closed, this.#retirement.over()]);
    const nobody = { owner: null, since: null, version: null };
    await this.#status.update(nobody).catch((error: unknown) => {
      if (!isEngineError(error, 'conflict')) {
        this.#parts.onProblem(error);
      }
    });
  }

  async #run(): Promise<void> {
    const { onProblem, clock } = this.#parts;
    const { signal } = this.#closing;
    const backOff = new BackOff();
    while (!signal.aborted) {
      const { next } = this.#changed;
      try {
        await this.#step();
        await next;
      } catch (error) {
        if (!signal.aborted && !isEngineError(error, 'conflict')) {
          onProblem(error);
          const how = { state: 'crashing' as const, reason: errorText(error) };
          await this.#status.update({}, how).catch(onProblem);
        }
        // What is in the way may be gone with the next change: a spec that names another port.
        const changed = this.#changed.next;
        await atMost(changed, { ms: backOff.pauseOf(clock), clock, signal });
      }
    }
  }

  /** Brings what is nearer to what should be. Cheap where nothing has changed. */
  async #step(): Promise<void> {
    const pipeline = this.#status.pipeline;
    const service = pipeline && (pipeline.spec as unknown as PipelineSpec).service;
    if (!service) {
      return;
    }
    if (!this.#door.isOpen || (!this.#serving && !this.#door.fits(service))) {
      await this.#door.open(service, pipeline.host?.address?.port);
    }
    const problem = makerProblem(this.#parts.context.journal.state, pipeline);
    if (problem === undefined) {
      await this.#findServing(pipeline);
    }
    await this.#chooseNext(serviceJobs(this.#parts.context.journal.state, this.#key), pipeline);
    if (this.#next?.upstream) {
      await this.#promote(this.#next, service);
    }
    this.#door.route(this.#serving?.upstream);
    await this.#tell();
    await this.#report(problem);
  }

  /** Finds what was served before this engine did, and what is served instead of a commit that was deleted. */
  async #findServing(pipeline: PipelineRecord): Promise<void> {
    const { context } = this.#parts;
    const { reshaped = 0 } = context.journal.state.repos.get(this.#key) ?? {};
    if (this.#hasLooked && reshaped === this.#reshaped) {
      return;
    }
    const last = await lastServed(context, pipeline);
    this.#hasLooked = true;
    this.#reshaped = reshaped;
    if (last && 'datum' in last.served && last.job.id !== this.#serving?.job.id) {
      const old = this.#serving;
      if (last.job.finished === null) {
        await claimJob(context, last.job, this.#parts.self);
      }
      this.#serving = this.#deploy(last.job, last.served, pipeline);
      this.#retire(old);
    }
  }

  async #chooseNext(jobs: readonly ServiceJob[], pipeline: PipelineRecord): Promise<void> {
    const { context, self } = this.#parts;
    for (const { job, failed, isServed } of jobs) {
      if (failed.length > 0 && !isServed) {
        const reason = `unrunnable because what it reads from failed: ${failed.join(', ')}`;
        await this.#end(job, { state: 'unrunnable', reason });
      }
    }
    const waiting = jobs.filter(
      ({ job, isServed, isReady }) => isReady && !isServed && job.id !== this.#serving?.job.id,
    );
    this.#renew(pipeline);
    const next = this.#next;
    if (next && !this.#isRenewal(next) && !waiting.some(({ job }) => job.id === next.job.id)) {
      // Stopped by a user, or removed.
      this.#next = undefined;
      this.#retire(next);
    }
    if (this.#next?.failure !== undefined && !this.#isRenewal(this.#next)) {
      this.#failures.set(this.#next.job.id, this.#next.failure);
    }
    const newest = waiting.at(-1)?.job;
    // What is just starting goes on, or a service whose data changes all the time would never get to serve any.
    const isFree = !this.#next || this.#next.failure !== undefined;
    if (newest && newest.id !== this.#next?.job.id && isFree) {
      this.#retire(this.#next);
      this.#next = undefined;
      await claimJob(context, newest, self);
      const served = await servedDatum(context, newest);
      if ('datum' in served) {
        this.#refused = undefined;
        this.#next = this.#deploy(newest, served, pipeline);
      } else {
        this.#refused = served;
        const state = served.isWrong ? ('failure' as const) : ('success' as const);
        await this.#end(newest, { state, reason: served.reason });
      }
    }
  }

  /** Serves the same data from a new container where what is served was given secrets that have changed. */
  #renew(pipeline: PipelineRecord): void {
    const old = this.#serving;
    if (old?.hasOldSecrets && !this.#next) {
      this.#next = this.#deploy(old.job, old.served, pipeline);
    }
  }

  #isRenewal(deployment: Deployment): boolean {
    return deployment.job.id === this.#serving?.job.id;
  }

  #deploy(
    job: JobRecord,
    served: Extract<Served, { datum: unknown }>,
    pipeline: PipelineRecord,
  ): Deployment {
    const { inputs, datum } = served;
    const { service } = inputs.spec;
    if (!service) {
      throw new Error('Cannot serve: the version of the job is no service');
    }
    const deployment = new Deployment({
      parts: this.#parts,
      job,
      inputs,
      datum,
      service,
      image: job.version === pipeline.version ? pipeline.image : job.image,
      directory: deploymentDirectory(this.#parts, job),
      room: this.#room,
      onChange: () => this.refresh(),
      onRestart: (reason) => void this.#status.restarted(reason).catch(this.#parts.onProblem),
    });
    deployment.start();
    return deployment;
  }

  /** Leads all traffic to a container that is ready, and lets the one before it finish what is under way. */
  async #promote(next: Deployment, service: NonNullable<PipelineSpec['service']>): Promise<void> {
    const old = this.#serving;
    const isRenewal = this.#isRenewal(next);
    if (this.#door.fits(service)) {
      this.#door.route(next.upstream);
    } else {
      const patience = old?.drained(this.#closing.signal) ?? Promise.resolve();
      await this.#door.move(service, { upstream: next.upstream, patience });
    }
    this.#serving = next;
    this.#next = undefined;
    this.#untold = isRenewal ? this.#untold : next;
    this.#refused = undefined;
    this.#retire(old);
  }

  async #tell(): Promise<void> {
    const told = this.#untold;
    if (told?.image) {
      const { job, image } = told;
      const { context, self: owner } = this.#parts;
      await takeOver(context, { job, owner, image, failures: this.#failures });
      this.#untold = undefined;
      this.#failures.clear();
    }
  }

  /** Journals how the service is. */
  async #report(problem: string | undefined): Promise<void> {
    const serving = this.#serving;
    const host: Partial<HostRecord> = {
      address: this.#door.address,
      serving: serving?.job.id ?? null,
      version: serving?.job.version ?? null,
      since: serving?.since ?? null,
    };
    await this.#status.update(
      host,
      serviceState({ serving, next: this.#next, refused: this.#refused, problem }),
    );
  }

  async #end(
    job: JobRecord,
    end: { readonly state: 'success' | 'failure' | 'unrunnable'; readonly reason: string },
  ): Promise<void> {
    const { context } = this.#parts;
    await endJob(context, { pipeline: job.pipeline, job: job.id, end }, 'engine');
  }

  #retire(old: Deployment | undefined): void {
    if (old) {
      this.#retirement.add(old);
    }
  }
}

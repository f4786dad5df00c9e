// A pipeline in the simulated world of upkeep: its input changes, its jobs are taken over by others when engines die, its outputs
// fade, and it is made again under other names, while all the rest goes on.

import assert from 'node:assert/strict';
import { resolvePipeline } from '../../engine/jobs/job-lookup.ts';
import { deletePipeline, putPipelines } from '../../engine/jobs/pipelines.ts';
import { type JobRecord, jobKey } from '../../engine/journal/records.ts';
import { createRepo, keepCommits } from '../../engine/pfs/repos.ts';
import { putFiles } from '../../engine/pfs/upload.ts';
import { ACTOR, target } from '../support/pfs.ts';
import type { SimulatedEngine } from './engine.ts';
import { HOUR, MINUTE, type UpkeepWorld } from './upkeep-world.ts';
import { processed } from './workers.ts';

const INPUT = 'in';
/** So long it may take until somebody has done a job: the freezes and deaths of several engines. */
const JOB_PATIENCE_MS = 4 * HOUR;

/** What is done to the pipeline and its input. */
export class UpkeepJobs {
  readonly world: UpkeepWorld;
  #pipeline: string | undefined;
  #made = 0;

  constructor(world: UpkeepWorld) {
    this.world = world;
  }

  /** Changes the input in one commit, and sees that its job makes of it what it must. */
  async feed(): Promise<void> {
    const { world } = this;
    if (this.#made === 0) {
      await this.#begin();
    }
    const files: Record<string, string> = {};
    for (let count = 1 + world.upTo(4); count > 0; count--) {
      // Few different ones: what was processed and pruned comes back.
      files[`${world.upTo(2)}/${world.upTo(5)}`] = `number ${world.upTo(6)}`;
    }
    const parts = async function* () {
      for (const [path, text] of Object.entries(files)) {
        yield [{ path, executable: false, data: Buffer.from(text), first: true, last: true }];
      }
    };
    const pipeline = this.#pipeline;
    const commit = await world.try(`feed ${Object.keys(files)}`, (engine) =>
      putFiles(engine.context, engine.queue, {
        target: target(INPUT),
        append: false,
        parts: parts(),
        request: ACTOR,
      }),
    );
    // One that nobody answered may land at any time: what the input is only reading tells.
    const input = commit && (await world.readFiles(INPUT, commit.id));
    if (commit === undefined || input === undefined) {
      return;
    }
    for (const [path, text] of Object.entries(files)) {
      assert.equal(input.get(path), text, `${INPUT}@${commit.id}:${path} was put`);
    }
    world.commits.push({ repo: INPUT, id: commit.id, files: input, state: 'there' });
    if (pipeline !== undefined) {
      await this.#demandOutput(pipeline, commit.id, input);
    }
  }

  /** Makes the pipeline anew under another name, runs all its datums again, or changes what of its outputs stays. */
  async change(): Promise<void> {
    const { world } = this;
    if (this.#made === 0) {
      return;
    }
    const dice = world.random.fraction();
    const pipeline = this.#pipeline;
    if (pipeline === undefined || dice < 0.3) {
      this.#pipeline = undefined;
      if (pipeline !== undefined) {
        await world.try(`delete pipeline ${pipeline}`, (engine) =>
          deletePipeline(
            engine.context,
            { key: `default/${pipeline}`, force: true, keepRepo: false },
            ACTOR,
          ),
        );
      }
      await this.#make();
    } else if (dice < 0.6) {
      await world.try(`process all of ${pipeline} again`, (engine) =>
        this.#put(engine, pipeline, { update: true, reprocess: true }),
      );
    } else {
      const keep = { last: 1 + world.upTo(3), forMs: null };
      await world.try(`keep ${keep.last} of ${pipeline}`, (engine) =>
        keepCommits(engine.context, { key: `default/${pipeline}`, keep }, ACTOR),
      );
    }
  }

  async #begin(): Promise<void> {
    const { world } = this;
    for (let isThere = false; !isThere; ) {
      await world.try('create the input', (engine) =>
        createRepo(engine.context, { key: `default/${INPUT}`, description: '' }, ACTOR),
      );
      isThere =
        (await world.try('look for the input', async (engine) =>
          engine.context.journal.state.repos.has(`default/${INPUT}`),
        )) ?? false;
    }
    await this.#make();
  }

  async #make(): Promise<void> {
    const name = `out${this.#made++}`;
    const made = await this.world.try(`create pipeline ${name}`, (engine) =>
      this.#put(engine, name, { update: false, reprocess: false }),
    );
    this.#pipeline = made === undefined ? undefined : name;
  }

  async #put(
    { context }: SimulatedEngine,
    name: string,
    options: { readonly update: boolean; readonly reprocess: boolean },
  ): Promise<unknown> {
    const spec = {
      pipeline: { name },
      input: { pfs: { repo: INPUT, glob: '/*/*' } },
      transform: { image: 'copy', cmd: ['copy'] },
    };
    const text = JSON.stringify(spec);
    return await putPipelines(
      context,
      { text, fileName: 'spec.json', project: 'default', ...options },
      ACTOR,
    );
  }

  /** The output of the job of a commit is what it must be, as long as it is there. */
  async #demandOutput(
    pipeline: string,
    id: string,
    input: ReadonlyMap<string, string>,
  ): Promise<void> {
    const { world } = this;
    const key = `default/${pipeline}`;
    const end = world.loop.time + JOB_PATIENCE_MS;
    for (;;) {
      await world.loop.sleep(2 * MINUTE);
      const job = await world.try(`look at job ${pipeline}@${id}`, async ({ context }) => {
        resolvePipeline(context, key);
        return context.journal.state.jobs.get(jobKey(key, id)) ?? null;
      });
      if (job === null || this.#pipeline !== pipeline) {
        // In history by now, or the pipeline was deleted.
        break;
      }
      if (job && job.finished !== null) {
        if (wasStopped(job)) {
          return;
        }
        assert.equal(job.state, 'success', `job ${job.id}: ${job.reason}`);
        break;
      }
      if (world.loop.time > end) {
        assert.fail(`job ${pipeline}@${id} never ends`);
      }
    }
    const output = await world.readFiles(pipeline, id);
    if (output) {
      world.count('jobs');
      const wanted = new Map([...input].map(([path, text]) => [path, processed(text)]));
      assert.deepEqual(
        new Map([...output].map(([path, text]) => [path, text] as const).sort()),
        new Map([...wanted].sort()),
        `${pipeline}@${id} is not what its input makes`,
      );
    }
  }
}

/** Whether a job was ended since the pipeline was deleted or changed: there is nothing that its output must be. */
function wasStopped({ state, reason }: JobRecord): boolean {
  return state === 'killed' && /deleted|updated|stopped|newer/.test(reason);
}

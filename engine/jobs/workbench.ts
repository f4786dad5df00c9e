// Work on one datum by hand, outside of any job: in its surroundings with a shell, or by a spec that is still being written.
// Nothing of it is recorded, and nothing is left behind.

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Asker } from '../auth/asker.ts';
import { demand } from '../auth/rights.ts';
import { EngineError } from '../base/errors.ts';
import type { Attached, AttachSpec, DirectoryMount } from '../executor/executor.ts';
import type { JobRecord, PipelineRecord } from '../journal/records.ts';
import { projectScope } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import { type PipelineSpec, pipelineKey } from '../pipeline/spec.ts';
import { DatumBench } from './datum-bench.ts';
import { getDatum } from './datum-list.ts';
import type { ResultInput } from './datum-result.ts';
import { DatumRunner, type DatumRunnerOptions } from './datum-runner.ts';
import type { DatumOutcome } from './datum-task.ts';
import { type Lender, taskMaker } from './datum-tasks.ts';
import { loadJobInputs } from './job-inputs.ts';
import type { PinnedImage } from './pinned-images.ts';
import { type PlannedDatum, type PlannedPipeline, previewPipelines } from './preview.ts';
import { ScratchContents, type ScratchFile } from './scratch-contents.ts';
import { committedContents } from './session-writer.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface WorkbenchOptions {
  readonly context: PfsContext;
  readonly pool: WorkerPool;
  /** A directory for what is written here and thrown away. */
  readonly scratch: string;
}

/** The surroundings that a command is given. */
export interface BenchPlace {
  readonly datum: string;
  readonly inputs: readonly ResultInput[];
  readonly image: PinnedImage;
  readonly spec: PipelineSpec;
  readonly warnings: readonly string[];
}

interface BenchOptions {
  readonly signal: AbortSignal;
  /** Gets what there is to say while an image is pulled. */
  readonly onNote: (line: string) => void;
  /** Called once the surroundings are known, before the command starts. */
  readonly onStart: (place: BenchPlace) => void;
}

export interface DebugOptions
  extends BenchOptions,
    Pick<AttachSpec, 'command' | 'terminal' | 'onOutput'> {
  readonly job: JobRecord;
  /** The beginning of its id. */
  readonly datum: string;
  /** Has the command in its hands until it has ended. */
  readonly use: (attached: Attached) => Promise<void>;
}

export interface RunLocalOptions extends BenchOptions {
  /** With whose rights it reads. */
  readonly asker: Asker;
  /** Of the spec. */
  readonly text: string;
  readonly fileName: string;
  readonly project: string;
  /** Name of the pipeline, where the spec has several. */
  readonly pipeline?: string | undefined;
  /** Its number from 0, or a path that it reads. */
  readonly datum: number | string;
  /** Directories of this machine that stand in for those of the image. */
  readonly mounts: readonly DirectoryMount[];
  readonly onLog: (chunk: Buffer) => void | Promise<void>;
  /** Gets what the command wrote, before it is thrown away. */
  readonly onOutput: (files: AsyncIterable<ScratchFile>) => Promise<void>;
}

/** Runs commands for people who look at one datum. */
export class Workbench {
  readonly #options: WorkbenchOptions;

  constructor(options: WorkbenchOptions) {
    this.#options = options;
  }

  /** Makes a directory for one session and removes it afterwards. */
  async withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
    const directory = join(this.#options.scratch, this.#options.context.ids.next());
    await mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      return await use(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Removes what an engine left when it was killed. Call it before anything runs. */
  async sweep(): Promise<void> {
    await rm(this.#options.scratch, { recursive: true, force: true });
  }

  /**
   * Starts a command, or a shell, where a datum of a job ran: with its inputs, image, variables, user and limits. Resolves with
   * the exit code. What it writes is thrown away.
   */
  async debug(options: DebugOptions): Promise<number> {
    const { context } = this.#options;
    const { job, signal } = options;
    const one = await getDatum(context, job, options.datum);
    const inputs = await loadJobInputs(context, job);
    const { spec } = inputs;
    const pinned = one.result?.image ?? job.image ?? this.#pinned(job);
    const pipeline = { key: job.pipeline, version: job.version };
    return await this.#withPlace(
      { ...options, pipeline, spec, image: pinned, mounts: [] },
      async (made, { image, name }) => {
        const session = noOutput(one.datum.id);
        const task = taskMaker(inputs, { job, context, session })(one.datum, name);
        options.onStart({ datum: one.datum.id, inputs: one.inputs, image, spec, warnings: [] });
        const { command, terminal, onOutput } = options;
        const bench = new DatumBench(made);
        const stop = () => void bench.stop().catch(() => undefined);
        signal.addEventListener('abort', stop, { once: true });
        try {
          const attached = await bench.attach(task, {
            command,
            onOutput,
            signal,
            ...(terminal ? { terminal } : {}),
          });
          await Promise.race([options.use(attached), attached.exited]);
          return await attached.exited;
        } finally {
          signal.removeEventListener('abort', stop);
          await bench.close();
        }
      },
    );
  }

  /**
   * Runs one datum of a spec on the data as it is, as a job would, but for once and with nothing recorded. What the code
   * does wrong is in the outcome. Rejects as `previewPipelines` does, and with `not_found` where there is no such datum.
   */
  async runLocal(options: RunLocalOptions): Promise<DatumOutcome> {
    const { context } = this.#options;
    const { text, fileName, project, signal, mounts, onLog, asker } = options;
    const planned = pick(
      await previewPipelines(context, {
        text,
        fileName,
        project,
        update: true,
        reprocess: false,
        asker,
      }),
      options,
    );
    const { datum, inputs } = await findPlanned(planned, options);
    const { spec, version, warnings } = planned;
    // Who may make no pipeline runs nothing here either.
    demand(context.journal.state, asker, {
      role: 'writer',
      scope: projectScope(spec.pipeline.project.name),
    });
    const pipeline = { key: pipelineKey(spec), version };
    return await this.#withPlace(
      { ...options, pipeline, spec, image: null, mounts },
      async (made, { image, name }) =>
        await this.withScratch(async (directory) => {
          const committed = committedContents(context);
          const contents = await ScratchContents.open(directory, { committed, ids: context.ids });
          const session: Lender = { lend: (use) => use(contents) };
          const job = { id: context.ids.next(), version, specCommit: '' };
          const task = {
            ...taskMaker(planned.inputs, { job, context, session })(datum, name),
            tries: 1,
          };
          options.onStart({ datum: datum.id, inputs, image, spec, warnings });
          const runner = new DatumRunner(made);
          try {
            const outcome = await runner.run(task, { signal, onLog });
            await options.onOutput(contents.files(outcome.output));
            return outcome;
          } finally {
            await runner.close();
          }
        }),
    );
  }

  async #withPlace<T>(
    options: BenchOptions & {
      readonly pipeline: Pick<PipelineRecord, 'key' | 'version'>;
      readonly spec: PipelineSpec;
      readonly image: PipelineRecord['image'];
      readonly mounts: readonly DirectoryMount[];
    },
    use: (
      made: DatumRunnerOptions,
      of: { readonly image: PinnedImage; readonly name: string },
    ) => Promise<T>,
  ): Promise<T> {
    const { pipeline, spec, image, mounts, signal, onNote } = options;
    const { context, pool } = this.#options;
    const name = `${spec.pipeline.name}-v${pipeline.version}-bench`;
    const directory = `bench-${context.ids.next()}`;
    const made = await pool.single(
      pipeline,
      { spec, image, name, directory, mounts },
      { signal, onProgress: onNote },
    );
    return await use(made.options, { image: made.image, name });
  }

  #pinned(job: JobRecord): PipelineRecord['image'] {
    const pipeline = this.#options.context.journal.state.pipelines.get(job.pipeline);
    return pipeline?.version === job.version ? pipeline.image : null;
  }
}

function noOutput(datum: string): Lender {
  const error = new EngineError(
    'internal',
    `Cannot store output of datum "${datum}": it is looked at`,
  );
  return { lend: () => Promise.reject(error) };
}

function pick(planned: readonly PlannedPipeline[], options: RunLocalOptions): PlannedPipeline {
  const { pipeline: wanted, fileName } = options;
  const fitting = planned.filter(
    ({ spec }) => wanted === undefined || spec.pipeline.name === wanted,
  );
  const [first, ...more] = fitting;
  const names = planned.map(({ spec }) => spec.pipeline.name).join(', ');
  if (first === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot run pipeline "${wanted ?? ''}" of "${fileName}": it has ${names || 'none'}`,
    );
  }
  if (more.length > 0) {
    throw new EngineError(
      'invalid',
      `Cannot run "${fileName}": it has several pipelines; say which with --pipeline: ${names}`,
    );
  }
  return first;
}

async function findPlanned(
  planned: PlannedPipeline,
  { datum: wanted }: RunLocalOptions,
): Promise<PlannedDatum> {
  let count = 0;
  const path =
    typeof wanted === 'string' ? `/${wanted.replace(/^.*:/, '').replace(/^\/+/, '')}` : '';
  for await (const one of planned.datums()) {
    const isIt =
      typeof wanted === 'number'
        ? count === wanted
        : one.inputs.some((input) => input.path === path) || one.datum.id.startsWith(wanted);
    if (isIt) {
      return one;
    }
    count += 1;
  }
  const name = shortRepo(pipelineKey(planned.spec));
  const which = typeof wanted === 'number' ? `number ${wanted}` : `that reads "${wanted}"`;
  const notes = planned.notes.map((note) => `; ${note}`).join('');
  throw new EngineError(
    'not_found',
    count === 0
      ? `Cannot run a datum of "${name}": its input matches nothing${notes}`
      : `Cannot find a datum of "${name}" ${which}: it has ${count}, from 0; pfs list datum -f shows them`,
  );
}

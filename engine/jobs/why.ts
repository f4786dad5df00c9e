// Why a job ran its datums, or skipped them: which part of what makes a datum the same datum differed from the job before.
// Nothing of this is stored; it follows from what is.

import { EngineError } from '../base/errors.ts';
import type { JobRecord } from '../journal/records.ts';
import { isTerminal } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { diffEntries } from '../pfs/diff.ts';
import { findFile } from '../pfs/files.ts';
import { normalizePath, shortRepo } from '../pfs/names.ts';
import type { Datum, DatumInput } from '../pipeline/datum-identity.ts';
import { inputBranch } from '../pipeline/environment.ts';
import { getDatum, type JobDatum, listDatums } from './datum-list.ts';
import type { DatumResult } from './datum-result.ts';
import { EarlierDatums, type EarlierJob, findEarlierJob, type Likeness } from './earlier-datums.ts';
import { type JobInputs, loadJobInputs } from './job-inputs.ts';
import { findJob } from './job-lookup.ts';

export const CAUSES = [
  /** Skipped: it has been processed with the same files. */
  'same',
  /** The job before had no datum of these paths. */
  'new',
  /** The contents or modes of its files are others than in the job before. */
  'changed',
  /** The same files, but all were to be made anew: the salt is another. */
  'reprocess',
  /** The spec wants every job to process all datums. */
  'every_job',
  /** The same datum was processed before, and failed. */
  'failed_before',
  /** The same datum was there before, and no job has processed it to its end. */
  'no_result',
] as const;

export type Cause = (typeof CAUSES)[number];

/** One part of a datum's identity that differs from the job before. */
export interface Difference {
  readonly part: 'path' | 'content' | 'mode' | 'combination' | 'salt';
  /** The input concerned; undefined for what concerns the whole datum. */
  readonly input?: DatumInput;
  /** Git ids or modes. */
  readonly was: string | null;
  readonly is: string | null;
  /** Of a directory whose content differs: the files, at most {@link MAX_FILES}, and how many more there are. */
  readonly files?: readonly string[];
}

/** Why one datum ran, or did not. */
export interface DatumWhy {
  /** Id of the job. */
  readonly job: string;
  readonly one: JobDatum;
  readonly cause: Cause;
  readonly differences: readonly Difference[];
  /** The result that was there before the job: the one that is used, or that failed. */
  readonly earlier: DatumResult | undefined;
  /** Of a datum that was skipped: why the job that made its result ran it, where that can still be told. */
  readonly made: DatumWhy | undefined;
}

/** Why a job ran what it ran. */
export interface JobWhy {
  readonly job: JobRecord;
  /** What it is compared with. */
  readonly earlier: JobRecord | undefined;
  /** How many datums have which cause; undefined where only some were asked about. */
  readonly counts: Readonly<Partial<Record<Cause, number>>> | undefined;
  readonly datums: readonly DatumWhy[];
}

export interface WhyOptions {
  /** Only the datum whose id begins with this. */
  readonly datum?: string;
  /** Only the datums that wrote this path of the output, or something below it; without a leading slash. */
  readonly path?: string;
  /** At most so many datums are shown. */
  readonly limit: number;
}

const MAX_FILES = 5;

/**
 * Explains a job. Without a datum or a path, all of its datums are counted, and those that ran are shown first. Rejects with
 * `not_found` where there is no such datum, or none that wrote the path.
 */
export async function explainJob(
  context: PfsContext,
  job: JobRecord,
  options: WhyOptions,
): Promise<JobWhy> {
  const inquiry = await Inquiry.open(context, job);
  const { datum, path, limit } = options;
  const earlier = inquiry.earlier?.job;
  if (datum === undefined && path === undefined) {
    return { job, earlier, ...(await inquiry.all(limit)) };
  }
  const found: JobDatum[] = [];
  for await (const one of datum === undefined
    ? listDatums(context, job)
    : [await getDatum(context, job, datum)]) {
    const output = one.result?.output ?? null;
    if (path === undefined || (await findFile(context.objects, output, path)) !== undefined) {
      found.push(one);
      if (found.length === limit) {
        break;
      }
    }
  }
  if (found.length === 0) {
    throw new EngineError(
      'not_found',
      `Cannot say why "/${path}" is in ${shortRepo(job.pipeline)}@${job.id}: no datum of the job wrote it`,
    );
  }
  return { job, earlier, counts: undefined, datums: await inquiry.explain(found, true) };
}

/** One job being asked about. */
class Inquiry {
  readonly #context: PfsContext;
  readonly #job: JobRecord;
  readonly #inputs: JobInputs;
  readonly #before: EarlierDatums;
  readonly earlier: EarlierJob | undefined;

  private constructor(
    context: PfsContext,
    parts: {
      readonly job: JobRecord;
      readonly inputs: JobInputs;
      readonly earlier: EarlierJob | undefined;
    },
  ) {
    this.#context = context;
    this.#job = parts.job;
    this.#inputs = parts.inputs;
    this.earlier = parts.earlier;
    this.#before = new EarlierDatums(context, parts);
  }

  static async open(context: PfsContext, job: JobRecord): Promise<Inquiry> {
    const inputs = await loadJobInputs(context, job);
    if (inputs.missing.length > 0) {
      throw new EngineError(
        'failed_precondition',
        `Cannot say why ${shortRepo(job.pipeline)}@${job.id} is as it is: what it reads was deleted: ${inputs.missing.join(', ')}`,
      );
    }
    return new Inquiry(context, { job, inputs, earlier: await findEarlierJob(context, job) });
  }

  async all(limit: number): Promise<Required<Pick<JobWhy, 'counts' | 'datums'>>> {
    const counts: Partial<Record<Cause, number>> = {};
    const ran: JobDatum[] = [];
    const skipped: JobDatum[] = [];
    for await (const one of listDatums(this.#context, this.#job)) {
      const cause = await this.#cause(one, () => this.#before.look(one.datum));
      counts[cause] = (counts[cause] ?? 0) + 1;
      const list = cause === 'same' ? skipped : ran;
      if (list.length < limit) {
        list.push(one);
      }
    }
    const datums = await this.explain([...ran, ...skipped].slice(0, limit), false);
    return { counts, datums };
  }

  /** Explains datums of the job; `deep` follows skipped ones to the job that made their results. */
  async explain(datums: readonly JobDatum[], deep: boolean): Promise<DatumWhy[]> {
    const known = await this.#before.find(new Set(datums.map(({ datum }) => datum.id)));
    const found: DatumWhy[] = [];
    for (const one of datums) {
      const old = known.get(one.datum.id);
      const cause = await this.#cause(one, async () => this.#before.compare(one.datum, old));
      const isSame = cause === 'same';
      found.push({
        job: this.#job.id,
        one,
        cause,
        differences: isSame ? [] : await this.#differences(one.datum, old),
        earlier: isSame ? one.result : await this.#before.result(one.datum.hash),
        made: isSame && deep ? await this.#maker(one) : undefined,
      });
    }
    return found;
  }

  async #cause(one: JobDatum, look: () => Promise<Likeness>): Promise<Cause> {
    if (one.state === 'skipped') {
      return 'same';
    }
    if (this.#inputs.spec.reprocess_spec === 'every_job') {
      return 'every_job';
    }
    const result = await this.#before.result(one.datum.hash);
    if (result !== undefined && result.state !== 'success') {
      return 'failed_before';
    }
    switch (await look()) {
      case 'absent':
        return 'new';
      case 'other':
        return 'changed';
      case 'equal':
        return this.earlier?.inputs.salt === this.#inputs.salt ? 'no_result' : 'reprocess';
    }
  }

  async #differences(datum: Datum, old: Datum | undefined): Promise<Difference[]> {
    const { earlier } = this;
    if (earlier === undefined) {
      return [];
    }
    if (old === undefined) {
      const paths: Difference[] = [];
      for (const input of datum.inputs) {
        const tree = earlier.inputs.commits.get(inputBranch(input))?.tree ?? null;
        if (
          (await findFile(this.#context.objects, tree, normalizePath(input.path))) === undefined
        ) {
          paths.push({ part: 'path', input, was: null, is: input.path });
        }
      }
      return paths.length > 0 ? paths : [{ part: 'combination', was: null, is: null }];
    }
    const found: Difference[] = [];
    for (const [index, input] of datum.inputs.entries()) {
      const before = old.inputs[index];
      if (before === undefined || input.reference) {
        continue;
      }
      if (before.id !== input.id) {
        const files = await this.#changedFiles(before, input);
        found.push({ part: 'content', input, was: before.id, is: input.id, ...files });
      }
      if (before.mode !== input.mode) {
        found.push({ part: 'mode', input, was: before.mode, is: input.mode });
      }
    }
    const { salt } = this.#inputs;
    if (earlier.inputs.salt !== salt) {
      found.push({ part: 'salt', was: earlier.inputs.salt, is: salt });
    }
    return found;
  }

  async #changedFiles(
    old: DatumInput,
    now: DatumInput,
  ): Promise<{ readonly files?: readonly string[] }> {
    if (!(isTree(old) && isTree(now))) {
      return {};
    }
    const files: string[] = [];
    const entry = ({ path, id }: DatumInput) => {
      return { path: normalizePath(path), mode: '40000' as const, id };
    };
    const directories = { old: entry(old), new: entry(now) };
    for await (const { path } of diffEntries(this.#context.objects, directories)) {
      files.push(files.length === MAX_FILES ? '…' : `/${path}`);
      if (files.length > MAX_FILES) {
        break;
      }
    }
    return { files };
  }

  async #maker({ datum, result }: JobDatum): Promise<DatumWhy | undefined> {
    const job = result && (await findJob(this.#context, this.#job.pipeline, result.job));
    if (job === undefined || !isTerminal(job.state) || job.id === this.#job.id) {
      return undefined;
    }
    try {
      const inquiry = await Inquiry.open(this.#context, job);
      const [made] = await inquiry.explain([await getDatum(this.#context, job, datum.id)], false);
      return made;
    } catch (error) {
      // Removed since, with its commit: the result alone is left.
      if (
        error instanceof EngineError &&
        ['not_found', 'failed_precondition'].includes(error.code)
      ) {
        return undefined;
      }
      throw error;
    }
  }
}

function isTree({ mode }: DatumInput): boolean {
  return mode === '40000';
}

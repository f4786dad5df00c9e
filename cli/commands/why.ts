// Why things ran.

import { jobParams, refParams } from '../../client/params.ts';
import type { QueryOf } from '../../engine/server/operations/types.ts';
import type { Why } from '../../engine/server/wire-why.ts';
import type { ParsedArguments } from '../arguments.ts';
import { CliError, usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { findJob, type NamedJob } from '../job-lookup.ts';
import { isCommitId, parseCommitWords, showName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['why'],
    summary: 'Say why a job ran its datums or skipped them',
    details:
      'Compares with the job before: which files of a datum are others, whether their names, contents or modes; whether all were to be made anew; whether an earlier result is missing, or a failure. The beginning of a datum’s id is enough. With a path, of the datums that wrote it.',
    usage: '<pipeline@ref[:/path]> [datum] | <pipeline> [datum] | <datum>',
    completes: 'pipeline',
    arguments: [1, 2],
    options: {
      number: { type: 'number', short: 'n', value: 'count', description: 'at most so many datums' },
    },
    examples: [
      ['why model', 'explains the newest job'],
      ['why model@master^ 5d9a3c', 'explains one datum of the job before it'],
      ['why model@master:/model.pkl', 'explains what made the file'],
    ],
    run: why,
  },
];

/** As datums are named, by 64 digits or the first of them; jobs have 32. */
const DATUM = /^[0-9a-f]{4,64}$/;

async function why(context: Context, args: ParsedArguments): Promise<void> {
  const [first = '', second] = args.positionals;
  const limit = args.number('number');
  const isBare = second === undefined && !first.includes('@') && !isCommitId(first);
  if (isBare && DATUM.test(first) && first.length >= 8) {
    await show(context, await whoseDatum(context, first, limit));
    return;
  }
  if (!first.includes('@')) {
    const job = await findJob(context, [first], { newest: true });
    await show(context, await ask(context, job, { datum: second, limit }));
    return;
  }
  const ref = parseCommitWords([first], { project: context.project, path: true });
  const commit = await context.client.call('GET /repos/{project}/{repo}/commits/{ref}', {
    params: refParams(ref.repo, ref.ref),
  });
  if (commit.pipeline === null) {
    if (second !== undefined || ref.path !== undefined) {
      throw usageError(`${showName(commit.repo)} is no output of a pipeline: it has no datums`);
    }
    await context.output.fields(commit, () => [
      ['Commit', `${showName(commit.repo)}@${commit.branch}=${commit.id}`],
      ['Reason', commit.origin === 'user' ? 'a user made it; nothing ran' : 'the engine made it'],
      ['Description', commit.description],
    ]);
    return;
  }
  const job = { pipeline: commit.pipeline, id: commit.id };
  await show(context, await ask(context, job, { datum: second, path: ref.path, limit }));
}

async function ask(
  context: Context,
  { pipeline, id }: NamedJob,
  query: QueryOf<'GET /pipelines/{project}/{pipeline}/jobs/{id}/why'>,
): Promise<Why> {
  return await context.client.call('GET /pipelines/{project}/{pipeline}/jobs/{id}/why', {
    params: jobParams(pipeline, id),
    query,
  });
}

/** Ids don't say whose they are: asks the newest job of each pipeline. */
async function whoseDatum(
  context: Context,
  datum: string,
  limit: number | undefined,
): Promise<Why> {
  for await (const { project, name, lastJob } of context.client.items('GET /pipelines')) {
    try {
      if (lastJob) {
        return await ask(
          context,
          { pipeline: { project, name }, id: lastJob.id },
          { datum, limit },
        );
      }
    } catch (error) {
      if (!(error instanceof CliError && error.code === 'not_found')) {
        throw error;
      }
    }
  }
  throw new CliError(
    'not_found',
    `Cannot find datum "${datum}" in the newest job of any pipeline; name the job, as in pfs why model@master^ ${datum}`,
  );
}

async function show(context: Context, answer: Why): Promise<void> {
  if (context.output.raw) {
    await context.output.json(answer);
    return;
  }
  const { renderWhy } = await import('../why-view.ts');
  await context.output.line(renderWhy(answer).join('\n'));
}

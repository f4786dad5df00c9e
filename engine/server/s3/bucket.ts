// What a bucket is: `<branch>.<repo>`, or `<branch>.<repo>.<project>`; a tag or the id of a commit may stand for the branch.

import { isEngineError } from '../../base/errors.ts';
import type { OutFolder } from '../../jobs/out-folder.ts';
import { branchKey, type CommitRecord, type RepoKey, tagKey } from '../../journal/records.ts';
import { findByRef, lastGood } from '../../pfs/commit-lookup.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { checkBranchName, repoKeyOf } from '../../pfs/names.ts';
import { OUTPUT_BUCKET } from '../../pipeline/s3-rules.ts';
import type { Signer, SignerAction } from './credentials.ts';
import { S3Error } from './s3-error.ts';

/** The branch that a repo has, empty, before anything was committed to it. */
const MAIN = 'master';

export interface Bucket {
  readonly name: string;
  readonly repo: RepoKey;
  readonly ref: string;
  /** It shows the one commit that `ref` is, and no other version. */
  readonly fixed?: true;
  /** It is no branch, but what a datum writes. */
  readonly out?: OutFolder;
}

/** Returns the readings of a bucket's name, the likeliest first: a tag may have dots in its name. */
function readings(name: string): Bucket[] {
  const parts = name.split('.');
  const found: Bucket[] = [];
  for (const [used, project] of [
    [1, 'default'],
    [2, parts.at(-1) ?? ''],
  ] as const) {
    const ref = parts.slice(0, -used).join('.');
    const repo = parts.at(-used) ?? '';
    if (ref !== '' && repo !== '' && project !== '') {
      try {
        found.push({ name, ref, repo: repoKeyOf(project, repo) });
      } catch (error) {
        if (!isEngineError(error, 'invalid')) {
          throw error;
        }
      }
    }
  }
  return found;
}

/** Who looks for a bucket, and where. */
export interface Visitor {
  readonly context: PfsContext;
  readonly signer: Signer;
}

/** Rejects with `AccessDenied` where somebody may not do that to a bucket. */
export function checkAllowed(signer: Signer, action: SignerAction, { name, repo, ref }: Bucket) {
  if (!signer.may(action, repo, ref)) {
    // Who may not read it is not told by the words whether it is there, either.
    const isHidden = action !== 'read' && !signer.may('read', repo, ref);
    const verb = isHidden ? 'use' : { read: 'read', write: 'write to', make: 'make' }[action];
    throw refused(verb, name);
  }
}

/**
 * Returns the bucket of that name to read from it; `NoSuchBucket` where no repo, or no branch, tag or commit of it, has it,
 * `AccessDenied` where that is not for who asks.
 */
export async function findBucket(visitor: Visitor, name: string): Promise<Bucket> {
  const { context, signer } = visitor;
  if (signer.buckets) {
    return ownBucket(signer.buckets, name);
  }
  const bucket = await lookUp(context, name).catch((error: unknown) => {
    throw isReadable(signer, name) ? error : refused('read', name);
  });
  checkAllowed(signer, 'read', bucket);
  return bucket;
}

/** Whether somebody may know that there is no such bucket: what may not be read looks the same as what is not there. */
function isReadable(signer: Signer, name: string): boolean {
  const meant = readings(name);
  return meant.length === 0 || meant.some(({ repo, ref }) => signer.may('read', repo, ref));
}

function refused(verb: string, name: string): S3Error {
  return new S3Error('AccessDenied', `The access key may not ${verb} bucket "${name}"`);
}

function ownBucket(buckets: ReadonlyMap<string, Bucket>, name: string): Bucket {
  const bucket = buckets.get(name);
  if (!bucket) {
    const names = [...buckets.keys()].map((one) => `"${one}"`).join(', ');
    const hint = buckets.has(OUTPUT_BUCKET) ? '' : '; set s3_out in the spec to write to "out"';
    throw new S3Error('NoSuchBucket', `The datum has no bucket "${name}": it has ${names}${hint}`);
  }
  return bucket;
}

async function lookUp(context: PfsContext, name: string): Promise<Bucket> {
  for (const bucket of readings(name)) {
    if (context.journal.state.repos.has(bucket.repo)) {
      if (bucket.ref === MAIN && !isBranch(context, bucket)) {
        return bucket;
      }
      try {
        await findByRef(context, bucket.repo, bucket.ref);
        return bucket;
      } catch (error) {
        if (!isEngineError(error)) {
          throw error;
        }
      }
    }
  }
  throw new S3Error(
    'NoSuchBucket',
    `There is no bucket "${name}": buckets are named <branch>.<repo>, or <branch>.<repo>.<project>`,
  );
}

/**
 * Returns the bucket of that name for a write, which makes a branch where a repo lacks it; `NoSuchBucket` as {@link findBucket},
 * and `AccessDenied` for a tag or a commit.
 */
export async function findWritable({ context, signer }: Visitor, name: string): Promise<Bucket> {
  if (signer.buckets) {
    const own = ownBucket(signer.buckets, name);
    if (!own.out) {
      const message = `Bucket "${name}" is an input, which can only be read`;
      throw new S3Error('AccessDenied', message);
    }
    return own;
  }
  const { repos, tags } = context.journal.state;
  for (const bucket of readings(name)) {
    const { repo, ref } = bucket;
    if (repos.has(repo) && (isBranch(context, bucket) || isNewBranch(ref))) {
      if (tags.has(tagKey(repo, ref)) && !isBranch(context, bucket)) {
        break;
      }
      checkAllowed(signer, 'write', bucket);
      return bucket;
    }
  }
  const bucket = await lookUp(context, name).catch((error: unknown) => {
    throw isReadable(signer, name) ? error : refused('use', name);
  });
  checkAllowed(signer, 'write', bucket);
  throw new S3Error('AccessDenied', `"${bucket.ref}" is no branch: what it shows stays as it is`);
}

function isNewBranch(name: string): boolean {
  try {
    checkBranchName(name);
    return true;
  } catch (error) {
    if (isEngineError(error, 'invalid')) {
      return false;
    }
    throw error;
  }
}

/** Returns the repo and branch that a new bucket of this name would be; `InvalidBucketName` where it can't be one. */
export function newBucket(name: string): { project: string; repo: string; branch: string } {
  const [branch = '', repo = '', project = 'default', ...more] = name.split('.');
  if (branch === '' || repo === '' || more.length > 0) {
    throw new S3Error(
      'InvalidBucketName',
      `A bucket is named <branch>.<repo>, or <branch>.<repo>.<project>: "${name}" is not`,
    );
  }
  return { project, repo, branch };
}

/** Yields those branches of users' repos and of pipelines' outputs as buckets that somebody may read. */
export function* listBuckets({
  context,
  signer,
}: Visitor): Generator<{ name: string; created: number }> {
  if (signer.buckets) {
    const created = context.clock.now();
    yield* [...signer.buckets.keys()].map((name) => ({ name, created }));
    return;
  }
  const { state } = context.journal;
  for (const { key, kind, created } of state.repos.values()) {
    if (kind !== 'user') {
      continue;
    }
    const [project = '', repo = ''] = key.split('/');
    const nameOf = (branch: string) =>
      `${branch}.${repo}${project === 'default' ? '' : `.${project}`}`;
    const branches = [...state.branches.keysBy('repo', key)];
    if (branches.length === 0 && signer.may('read', key, MAIN)) {
      yield { name: nameOf(MAIN), created };
    }
    for (const at of branches) {
      const branch = state.branches.get(at);
      if (branch && signer.may('read', key, branch.name)) {
        yield { name: nameOf(branch.name), created: branch.created };
      }
    }
  }
}

/** Returns the commit that a bucket shows, or undefined while it has none. */
export async function shownCommit(
  context: PfsContext,
  { repo, ref, fixed }: Bucket,
  version?: string,
): Promise<CommitRecord | undefined> {
  if (fixed && version !== undefined && version !== ref) {
    throw new S3Error('NoSuchVersion', `The bucket shows the commit "${ref}" and no other`);
  }
  if (ref === MAIN && !isBranch(context, { repo, ref })) {
    return undefined;
  }
  if (version === undefined || version === 'null' || version === '') {
    const commit = await findByRef(context, repo, ref);
    const isUsers = commit?.finished === null && commit.origin === 'user';
    // A branch shows what is being put into it, and otherwise its last good commit, whatever a job does meanwhile.
    return isUsers ? commit : await lastGood(context, repo, commit?.id ?? null);
  }
  try {
    return await findByRef(context, repo, version);
  } catch (error) {
    throw isEngineError(error) ? noSuchVersion(version, error) : error;
  }
}

function noSuchVersion(version: string, cause: unknown): S3Error {
  const message = `There is no version "${version}": versions are commits`;
  return new S3Error('NoSuchVersion', message, { cause });
}

/** Returns whether the bucket is a branch: only that can be written to. */
export function isBranch(
  context: PfsContext,
  { repo, ref }: Pick<Bucket, 'repo' | 'ref'>,
): boolean {
  return context.journal.state.branches.has(branchKey(repo, ref));
}

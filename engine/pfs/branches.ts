// Branches: making them, moving their heads, deleting them.

import { EngineError } from '../base/errors.ts';
import { compose } from '../journal/compose.ts';
import { type BranchRecord, branchKey, type RepoKey } from '../journal/records.ts';
import { checkWritable, openHead } from './branch-rules.ts';
import { resolveCommit, resolveRepo } from './commit-lookup.ts';
import { type PfsContext, type Request, transactOptions } from './context.ts';
import { checkBranchName, shortRepo } from './names.ts';
import { propagate } from './propagate.ts';
import { demandSameHistory, historyOf, untilSettled } from './settled.ts';

/** Returns a branch's record; `not_found` when there is none. */
export function resolveBranch(context: PfsContext, repo: RepoKey, branch: string): BranchRecord {
  resolveRepo(context, repo);
  const record = context.journal.state.branches.get(branchKey(repo, branch));
  if (record === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find branch "${branch}" in repo "${shortRepo(repo)}"; pfs list-branch ${shortRepo(repo)} shows its branches`,
    );
  }
  return record;
}

/**
 * Makes a branch, or moves the head of one, to any finished commit of its repo; moving a head causes commits downstream as
 * a new commit would. Rejects with `failed_precondition` on a pipeline's output branch.
 */
export async function putBranch(
  context: PfsContext,
  options: { readonly repo: RepoKey; readonly branch: string; readonly head?: string },
  request: Request,
): Promise<BranchRecord> {
  checkBranchName(options.branch);
  return await untilSettled(() => moveOnce(context, options, request));
}

async function moveOnce(
  context: PfsContext,
  options: { readonly repo: RepoKey; readonly branch: string; readonly head?: string },
  request: Request,
): Promise<BranchRecord> {
  const { repo, branch: name } = options;
  const { id: repoId } = resolveRepo(context, repo);
  const history = historyOf(context.journal.state, repo);
  const head =
    options.head === undefined ? undefined : await resolveCommit(context, repo, options.head);
  if (head?.finished === null) {
    throw new EngineError(
      'failed_precondition',
      `Cannot move branch "${name}" to commit ${head.id}: it has not finished; wait for it, or finish it first`,
    );
  }
  const set = context.ids.next();
  const time = context.clock.now();
  return await context.journal.transact((state) => {
    checkWritable(state, { repo, branch: name, verb: 'move' });
    if (state.repos.get(repo)?.id !== repoId) {
      throw new EngineError(
        'conflict',
        `Cannot move branch "${name}": repo "${shortRepo(repo)}" was deleted and made again; try again`,
      );
    }
    demandSameHistory(state, repo, history);
    const open = openHead(state, repo, name);
    if (open && head) {
      throw new EngineError(
        'failed_precondition',
        `Cannot move branch "${name}": commit ${open.id} is open there; finish it first`,
      );
    }
    const key = branchKey(repo, name);
    const old = state.branches.get(key);
    const next: BranchRecord = {
      repo,
      name,
      head: head?.id ?? old?.head ?? null,
      provenance: old?.provenance ?? [],
      created: old?.created ?? time,
    };
    return compose(state, (draft) => {
      if (head && head.id !== old?.head) {
        // Always: another engine may have retired it already, and must have it back.
        draft.add({ kind: 'commit.recalled', commit: head });
      }
      draft.add({ kind: 'branch.put', branch: next });
      if (next.head !== null && next.head !== old?.head) {
        propagate(draft, [{ repo, branch: name }], { set, time });
      }
      return next;
    });
  }, transactOptions(request));
}

/**
 * Deletes a branch; its commits stay. Rejects with `failed_precondition` when a pipeline writes it or, unless forced,
 * when another branch has it as provenance: that one then loses this source.
 */
export async function deleteBranch(
  context: PfsContext,
  options: { readonly repo: RepoKey; readonly branch: string; readonly force: boolean },
  request: Request,
): Promise<void> {
  const { repo, branch: name, force } = options;
  await context.journal.transact((state) => {
    resolveBranch(context, repo, name);
    checkWritable(state, { repo, branch: name, verb: 'delete' });
    const open = openHead(state, repo, name);
    if (open && !force) {
      throw new EngineError(
        'failed_precondition',
        `Cannot delete branch "${name}" of repo "${shortRepo(repo)}": commit ${open.id} is open there; finish it first, or use --force`,
      );
    }
    const readers = [...state.branches.values()].filter((branch) =>
      branch.provenance.some((source) => source.repo === repo && source.branch === name),
    );
    const users = readers.filter((reader) => !reader.repo.endsWith('.meta'));
    if (users.length > 0 && !force) {
      const names = users.map((reader) => `"${shortRepo(reader.repo)}"`).join(', ');
      throw new EngineError(
        'failed_precondition',
        `Cannot delete branch "${name}" of repo "${shortRepo(repo)}": ${names} read it; delete those pipelines first, or use --force`,
      );
    }
    return compose(state, (draft) => {
      for (const reader of readers) {
        const provenance = reader.provenance.filter(
          (source) => source.repo !== repo || source.branch !== name,
        );
        draft.add({ kind: 'branch.put', branch: { ...reader, provenance } });
      }
      draft.add({ kind: 'branch.deleted', repo, branch: name });
      return null;
    });
  }, transactOptions(request));
}

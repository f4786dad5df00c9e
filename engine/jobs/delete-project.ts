// Deleting a project, which may mean all of its pipelines and repos.

import { EngineError } from '../base/errors.ts';
import { projectScope } from '../journal/records.ts';
import { makeChange } from '../pfs/change.ts';
import type { PfsContext, Request } from '../pfs/context.ts';
import { DEFAULT_PROJECT } from '../pfs/names.ts';
import { resolveProject } from '../pfs/projects.ts';
import { deleteRepoIn } from '../pfs/repos.ts';
import { deletePipelineIn } from './pipelines.ts';

/**
 * Deletes a project in one transaction. Rejects with `failed_precondition` where something is in it, unless `force` deletes that
 * too; what reads it from other projects is then left without it. The default project stays.
 */
export async function deleteProject(
  context: PfsContext,
  options: { readonly name: string; readonly force: boolean },
  request: Request,
): Promise<null> {
  const { name, force } = options;
  return await makeChange(context, request, (change) => {
    const { repos, pipelines } = resolveProject(context, name);
    if (name === DEFAULT_PROJECT) {
      throw new EngineError(
        'failed_precondition',
        `Cannot delete project "${name}": it is the one of names without a project; delete what is in it instead`,
      );
    }
    if (repos.length + pipelines.length > 0 && !force) {
      throw new EngineError(
        'failed_precondition',
        `Cannot delete project "${name}": ${inIt(pipelines.length, 'pipeline')} and ${inIt(repos.length, 'repo')} are in it; delete those first, or use --force`,
      );
    }
    for (const key of pipelines) {
      deletePipelineIn(change, { key, force: true, keepRepo: false });
    }
    // Those that only their pipelines filled have gone with them.
    for (const key of repos.filter((repo) => change.state.repos.has(repo))) {
      deleteRepoIn(change, { key, force: true });
    }
    change.add(
      { kind: 'project.deleted', project: name },
      { kind: 'defaults.deleted', scope: projectScope(name) },
    );
    return null;
  });
}

function inIt(count: number, thing: string): string {
  return count === 1 ? `1 ${thing}` : `${count} ${thing}s`;
}

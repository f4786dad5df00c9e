// What a store looks like between two steps of a process that may be killed, without anything that differs from run to run.

import { listJobs } from '../../engine/jobs/job-lookup.ts';
import type { TrashRecord } from '../../engine/journal/records.ts';
import { listCommits, walkCommits } from '../../engine/pfs/commit-list.ts';
import { getCommit } from '../../engine/pfs/commit-lookup.ts';
import { openTree } from '../../engine/pfs/commits.ts';
import { walkFiles } from '../../engine/pfs/files.ts';
import { gather, type Pfs } from '../support/pfs.ts';

/** Everything that users see of a store, as text: equal for equal stores. */
export async function describeStore(pfs: Pfs): Promise<string> {
  const { context } = pfs;
  // Another engine in this process may have written.
  await context.journal.sync();
  const { state } = context.journal;
  const lines: string[] = [];
  for (const { name, description } of state.projects.values()) {
    lines.push(`project ${name} "${description}"`);
  }
  for (const { key, description, keep = null } of state.repos.values()) {
    let commits = 0;
    for await (const _ of listCommits(context, key)) {
      commits += 1;
    }
    const kept = keep === null ? '' : ` keeps ${JSON.stringify(keep)}`;
    lines.push(`repo ${key} "${description}" ${commits}${kept}`);
  }
  for (const { repo, name, commit } of state.tags.values()) {
    lines.push(`tag ${repo} ${name} ${(await getCommit(context, repo, commit)).tree}`);
  }
  const trash = [...state.trash.values()].map((record) => `trash ${trashed(record)}`);
  lines.push(...trash.sort());
  for (const { requests } of state.transactions.values()) {
    lines.push(`transaction ${requests.map(({ kind }) => kind).join(' ')}`);
  }
  for (const { key, version, stopped } of state.pipelines.values()) {
    lines.push(`pipeline ${key} ${version}${stopped ? ' stopped' : ''}`);
    for await (const { finished, state: ending } of listJobs(context, key)) {
      // How far it has come is nobody's promise.
      lines.push(`  job ${finished === null ? 'under way' : ending}`);
    }
  }
  for (const { repo, name } of state.branches.values()) {
    lines.push(...(await describeBranch(pfs, { repo, name })));
  }
  return lines.join('\n');
}

async function describeBranch(
  { context }: Pfs,
  { repo, name }: { readonly repo: string; readonly name: string },
): Promise<string[]> {
  const lines: string[] = [];
  const short = repo.replace('default/', '');
  for await (const { id, finished, edits, origin } of walkCommits(context, repo, name)) {
    lines.push(`${short}@${name} ${finished === null ? `open ${edits.length}` : 'finished'}`);
    // What the engine notes for itself tells times, too.
    const isOwn = context.journal.state.repos.get(repo)?.kind !== 'user';
    if (isOwn || (finished === null && origin === 'auto')) {
      continue;
    }
    const tree = await openTree(context, repo, id);
    try {
      const root = { path: '', mode: '40000' as const, id: tree.tree ?? '' };
      for await (const file of tree.tree ? walkFiles(tree.objects, root) : []) {
        const { size } = await tree.objects.stat(file.id);
        // A check compares all bytes with their hashes.
        const text = size < 100 ? (await gather(tree.readFile(file.id))).toString() : size;
        lines.push(`  ${file.mode} ${file.path} ${text}`);
      }
    } finally {
      tree.close();
    }
  }
  return lines;
}

function trashed(record: TrashRecord): string {
  switch (record.kind) {
    case 'repo':
      return `repo ${record.repo.key} ${record.branches.length}`;
    case 'branch':
      return `branch ${record.branch.repo}@${record.branch.name}`;
    case 'commit':
      return `commit ${record.commit.repo} ${record.commit.tree}`;
  }
}

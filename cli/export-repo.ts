// Writes a repo to a folder of the user's as a bare Git repository.

import { existsSync, readdirSync } from 'node:fs';
import { repoParams } from '../client/params.ts';
import type { RepoName } from '../engine/server/wire.ts';
import { CliError, fileError } from './cli-error.ts';
import type { Context } from './context.ts';
import { writeFolder } from './folder-writer.ts';
import { formatSize } from './format.ts';
import { startProgress } from './progress.ts';

/** Git does not take a folder for a repository without these; a stream of files cannot carry them empty. */
const GIT_FOLDERS = ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags'];

/** Fills `folder`, which must be new or empty. */
export async function exportRepo(context: Context, repo: RepoName, folder: string): Promise<void> {
  let used: boolean;
  try {
    used = existsSync(folder) && readdirSync(folder).length > 0;
  } catch (error) {
    throw fileError(`write into "${folder}"`, error);
  }
  if (used) {
    throw new CliError(
      'already_exists',
      `Cannot export to "${folder}": it is not empty; name a new folder`,
    );
  }
  const progress = await startProgress(context.output, { label: 'Exporting', bytes: true });
  try {
    const source = await context.client.bytes('GET /repos/{project}/{repo}/export', {
      params: repoParams(repo),
    });
    const { files, bytes } = await writeFolder(folder, {
      source,
      signal: context.signal,
      folders: GIT_FOLDERS,
      onProgress: (written) => progress.update(written.bytes, `${written.files} files`),
    });
    progress.stop();
    if (context.output.raw) {
      await context.output.json({ folder, files, bytes });
    } else if (context.output.stderr.isTTY) {
      context.output.note(`Wrote ${formatSize(bytes)}; clone it with: git clone ${folder}`);
    }
  } finally {
    progress.stop();
  }
}

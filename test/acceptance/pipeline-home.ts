// A home with an engine on real Docker, and few words for what tests of pipelines say again and again.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Commit, Job } from '../../engine/server/wire.ts';
import { CliHome, type CommandResult } from '../support/cli.ts';
import { type TestImages, testImages } from '../support/docker.ts';

/** A spec whose command is a line of shell, on the test image; its input is every file of a repo unless told. */
export interface ShellSpec {
  readonly name: string;
  readonly input: string | Readonly<Record<string, unknown>>;
  readonly glob?: string;
  readonly sh?: string;
  readonly transform?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export const images: TestImages = await testImages();
export const image = images.skip === undefined ? images.busybox : '';

export class PipelineHome extends CliHome {
  #files = 0;

  async repo(name: string, files: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.pfs('create-repo', name);
    await this.put(name, files);
  }

  /** Puts files in one commit; returns its id. */
  async put(repo: string, files: Readonly<Record<string, string>>): Promise<string> {
    const names = Object.keys(files);
    if (names.length > 1) {
      await this.pfs('start-commit', repo, 'master');
    }
    for (const name of names) {
      const put = await this.run(['put-file', `${repo}@master:/${name}`, '-f', '-'], {
        input: files[name] ?? '',
      });
      if (put.code !== 0) {
        throw new Error(put.stderr);
      }
    }
    if (names.length > 1) {
      await this.pfs('finish-commit', repo, 'master');
    }
    return names.length === 0 ? '' : (await this.commit(repo)).id;
  }

  /** Writes a file of this home; returns its path. */
  file(text: string, name?: string): string {
    this.#files += 1;
    const path = this.path(name ?? `file-${this.#files}.json`);
    writeFileSync(path, text);
    return path;
  }

  spec(spec: ShellSpec): string {
    const { name, input, glob = '/*', sh, transform = {}, ...rest } = spec;
    return JSON.stringify(
      {
        pipeline: { name },
        input: typeof input === 'string' ? { pfs: { repo: input, glob } } : input,
        transform: { image, ...(sh === undefined ? {} : { cmd: ['sh', '-c', sh] }), ...transform },
        ...rest,
      },
      null,
      2,
    );
  }

  async create(...specs: readonly ShellSpec[]): Promise<void> {
    for (const spec of specs) {
      await this.pfs('create-pipeline', '-f', this.file(this.spec(spec)));
    }
  }

  async update(spec: ShellSpec, ...flags: readonly string[]): Promise<void> {
    await this.pfs('update-pipeline', '-f', this.file(this.spec(spec)), ...flags);
  }

  /** Runs `pfs create-pipeline` on a text that is wrong. */
  async refused(text: string, name?: string): Promise<CommandResult> {
    return await this.run(['create-pipeline', '-f', this.file(text, name)]);
  }

  async commit(from: string): Promise<Commit> {
    return await this.inspect<Commit>(
      'inspect-commit',
      from.includes('@') ? from : `${from}@master`,
    );
  }

  /** Waits for the newest job of a pipeline, however it ends, and returns it. */
  async done(pipeline: string): Promise<Job> {
    const { id } = await this.commit(pipeline);
    await this.run(['wait', 'job', `${pipeline}@${id}`]);
    return await this.inspect<Job>('inspect-job', `${pipeline}@${id}`);
  }

  async read(from: string): Promise<string> {
    return await this.pfs('get-file', from);
  }

  /** Returns the paths below the root of a repo's head. */
  async list(repo: string): Promise<readonly string[]> {
    const found = await this.raw('glob-file', `${repo}@master:/**`);
    return found.filter(({ type }) => type === 'file').map(({ path }) => String(path));
  }
}

/** Runs `docker` and returns what it printed, line by line. */
export function dockerLines(...args: readonly string[]): readonly string[] {
  const printed = execFileSync('docker', args, { encoding: 'utf8' });
  return printed.split('\n').filter((line) => line !== '');
}

/** Returns the ids of containers of a pipeline that run. Pipeline names of tests are their own. */
export function workersOf(pipeline: string): readonly string[] {
  return dockerLines('ps', '-q', '--filter', `label=pfs.pipeline=${pipeline}`);
}

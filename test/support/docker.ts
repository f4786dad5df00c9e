// Small images for tests, made on this machine from its own busybox, so that no test needs a registry.

import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BUSYBOX_TAG = 'pfs-test/busybox:1';
const SCRATCH_TAG = 'pfs-test/scratch:1';
const BASH_TAG = 'pfs-test/bash:1';
/** Images in which `/bin/sh` is dash; the set-up makes one of them for the examples. */
const DASH_TAGS = ['pfs/examples:1', 'pfs/base:bookworm'];
/** The last one is where the set-up puts the program when it takes it out of an image. */
const PATHS = ['/bin/busybox', '/usr/bin/busybox', '.cache/bin/busybox'];
const PATH_VARIABLE = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The images that tests of containers use, or why there are none. */
export type TestImages =
  | {
      readonly busybox: string;
      /** Has no shell at its usual place: its only program is `/busybox`. */
      readonly scratch: string;
      readonly skip?: undefined;
    }
  | { readonly skip: string };

let images: Promise<TestImages> | undefined;

/**
 * Returns the test images, built where absent; a tag that exists is kept. With PFS_REQUIRE_DOCKER=1 it rejects where it
 * would say why to skip.
 */
export async function testImages(): Promise<TestImages> {
  images ??= findOrBuild();
  const found = await images;
  if (found.skip !== undefined && process.env.PFS_REQUIRE_DOCKER === '1') {
    throw new Error(`PFS_REQUIRE_DOCKER is set, but ${found.skip}`);
  }
  return found;
}

/** An image whose `/bin/sh` is dash, where the examples' images are here. */
export async function dashImage(): Promise<string | undefined> {
  for (const tag of DASH_TAGS) {
    if (await exists(tag)) {
      return tag;
    }
  }
  return undefined;
}

/** An image like that with bash in place of dash, made where absent. */
export async function bashImage(): Promise<string | undefined> {
  const dash = await dashImage();
  if (dash !== undefined && !(await exists(BASH_TAG))) {
    const link = ['--entrypoint', 'ln', dash, '-sf', 'bash', '/bin/sh'];
    const container = await docker('create', ...link);
    try {
      await docker('start', '--attach', container);
      await docker('commit', '--change', 'ENTRYPOINT []', container, BASH_TAG);
    } finally {
      await docker('rm', '--force', container);
    }
  }
  return dash === undefined ? undefined : BASH_TAG;
}

/** Lists the ids of all containers with this label, running or not. */
export async function containersWith(label: string): Promise<string[]> {
  const { stdout } = await run('docker', ['ps', '-aq', '--no-trunc', '--filter', `label=${label}`]);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Runs the `docker` command and returns what it printed. */
export async function docker(...args: string[]): Promise<string> {
  return (await run('docker', args)).stdout.trim();
}

async function findOrBuild(): Promise<TestImages> {
  try {
    await run('docker', ['version']);
  } catch (error) {
    return { skip: `no Docker engine answers (${firstLine(error)})` };
  }
  if (!(await exists(BUSYBOX_TAG)) || !(await exists(SCRATCH_TAG))) {
    const busybox = findBusybox();
    if (!busybox) {
      return {
        skip: 'there is no static busybox to make images of (apt-get install busybox-static)',
      };
    }
    await build(busybox);
  }
  return { busybox: BUSYBOX_TAG, scratch: SCRATCH_TAG };
}

async function exists(tag: string): Promise<boolean> {
  return await run('docker', ['image', 'inspect', tag]).then(
    () => true,
    () => false,
  );
}

function findBusybox(): string | undefined {
  return PATHS.find(
    (path) =>
      existsSync(path) && !spawnSync('ldd', [path], { encoding: 'utf8' }).stdout?.includes('=>'),
  );
}

async function build(busybox: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'pfs-test-image-'));
  try {
    if (!(await exists(BUSYBOX_TAG))) {
      const directory = join(root, 'busybox');
      await fillBusybox(directory, busybox);
      await importImage(directory, BUSYBOX_TAG, [`ENV ${PATH_VARIABLE}`, 'CMD ["sh"]']);
    }
    if (!(await exists(SCRATCH_TAG))) {
      const directory = join(root, 'scratch');
      await mkdir(directory);
      await copyFile(busybox, join(directory, 'busybox'));
      await importImage(directory, SCRATCH_TAG, [
        'ENTRYPOINT ["/busybox"]',
        'CMD ["echo", "ready"]',
      ]);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function fillBusybox(directory: string, busybox: string): Promise<void> {
  for (const name of ['bin', 'etc', 'root', 'tmp', 'usr/bin', 'var/tmp']) {
    await mkdir(join(directory, name), { recursive: true });
  }
  await chmod(join(directory, 'tmp'), 0o1777);
  await chmod(join(directory, 'var/tmp'), 0o1777);
  await copyFile(busybox, join(directory, 'bin/busybox'));
  await writeFile(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  const { stdout } = await run(busybox, ['--list']);
  for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
    await symlink('busybox', join(directory, 'bin', applet));
  }
}

async function importImage(directory: string, tag: string, changes: string[]): Promise<void> {
  const archive = `${directory}.tar`;
  await run('tar', ['-C', directory, '--owner=0', '--group=0', '-cf', archive, '.']);
  const options = changes.flatMap((change) => ['--change', change]);
  await run('docker', ['import', ...options, archive, tag]);
}

function firstLine(error: unknown): string {
  const text = (error as { stderr?: string }).stderr || String(error);
  return text.trim().split('\n')[0] ?? '';
}

// Programs that some tests need beside Node: git-lfs, for clones with large files, and a static busybox, for images
// of two megabytes.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
} from 'node:fs';
import { tryInstall } from './apt.mjs';
import { goInstall } from './go.mjs';
import { withLock } from './lock.mjs';
import { cacheBin } from './paths.mjs';
import { findProgram, run } from './run.mjs';
import { say } from './say.mjs';

/** Installs what is missing where that is possible; returns one sentence for each tool that stays missing. */
export async function ensureTools() {
  const missing = [];
  if (!findProgram('git-lfs')) {
    missing.push('git-lfs');
  }
  if (!staticBusybox()) {
    missing.push('busybox-static');
  }
  if (missing.length > 0) {
    await tryInstall(missing, 'Some tests need programs that are not here');
  }
  const lacking = [];
  if (!findProgram('git-lfs')) {
    lacking.push('git-lfs is not installed: tests of clones with large files are left out');
  }
  if (!staticBusybox() && !(await busyboxFromImage())) {
    lacking.push('there is no static busybox: tests that need small images are left out');
  }
  return lacking;
}

/** Servers and clients of others that some tests drive, by what shows that they are there, and the package that brings them. */
const CLIENTS = [
  { name: 'PostgreSQL', package: 'postgresql', isHere: hasPostgres },
  { name: 'aws', package: 'awscli', isHere: () => findProgram('aws') !== undefined },
  { name: 'rclone', package: 'rclone', isHere: () => findProgram('rclone') !== undefined },
  { name: 'Chromium', package: 'chromium', isHere: () => findProgram('chromium') !== undefined },
  { name: 'boto3', package: 'python3-boto3', isHere: hasBoto3 },
];

/** As {@link ensureTools}, for the programs that tests of egress, of the door for S3 and of the page drive. */
export async function ensureClients() {
  const missing = () => CLIENTS.filter(({ isHere }) => !isHere());
  const wanted = missing().map((each) => each.package);
  if (wanted.length > 0) {
    await tryInstall(wanted, 'Some tests drive programs that are not here');
  }
  const lacking = missing().map(
    ({ name, package: from }) => `${name} is not here (${from}): tests that drive it are left out`,
  );
  return [...lacking, ...(await lackingMinioClient())];
}

/** No package brings MinIO's own client; a program of the same name is a file manager. */
async function lackingMinioClient() {
  const isClient = () =>
    [`${cacheBin}/mc`, 'mc'].some((program) => {
      const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
      return /RELEASE|DEVELOPMENT/.test(stdout ?? '');
    });
  return withLock('minio-client', async () => {
    if (isClient()) {
      return [];
    }
    const why = findProgram('go')
      ? await goInstall('github.com/minio/mc@latest', "MinIO's client")
      : 'Go is not installed to build it';
    return why === undefined && isClient()
      ? []
      : [`MinIO's client is not here (${why}): tests that drive it are left out`];
  });
}

function hasPostgres() {
  const versions = '/usr/lib/postgresql';
  return (
    findProgram('initdb') !== undefined ||
    (existsSync(versions) &&
      readdirSync(versions).some((version) => existsSync(`${versions}/${version}/bin/initdb`)))
  );
}

/** Packages of the system belong to its own Python, where there is one. */
function hasBoto3() {
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
  return spawnSync(python, ['-c', 'import boto3'], { stdio: 'ignore' }).status === 0;
}

/** Returns the path of a busybox that needs no shared libraries, so that it runs in an empty image. */
export function staticBusybox() {
  const path = findProgram('busybox');
  return path && process.platform === 'linux' && isStatic(path) ? path : undefined;
}

/** An ELF file without a PT_INTERP header names no loader: it is static. */
function isStatic(path) {
  const head = Buffer.alloc(4096);
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  if (head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) {
    return false;
  }
  const offset = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let index = 0; index < count && offset + index * size + 4 <= head.length; index += 1) {
    if (head.readUInt32LE(offset + index * size) === 3) {
      return false;
    }
  }
  return true;
}

/** Takes the program out of the registry's image, where there are neither packages nor a binary. */
async function busyboxFromImage() {
  const created = await run('docker', ['create', 'busybox:musl', 'true'], { timeoutMs: 120_000 });
  if (created.code !== 0) {
    return false;
  }
  const id = created.stdout.trim().split('\n').at(-1) ?? '';
  const fresh = `${cacheBin}/busybox.${process.pid}`;
  mkdirSync(cacheBin, { recursive: true });
  const copied = await run('docker', ['cp', '-L', `${id}:/bin/busybox`, fresh], {
    timeoutMs: 60_000,
  });
  await run('docker', ['rm', '--force', id], { timeoutMs: 60_000 });
  if (copied.code !== 0) {
    return false;
  }
  chmodSync(fresh, 0o755);
  renameSync(fresh, `${cacheBin}/busybox`);
  say('took a static busybox out of the image busybox:musl');
  return true;
}

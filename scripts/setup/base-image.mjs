// The image that the examples' images start from: a usual one from a registry, or one made here from this system's
// own package mirror where no registry is in reach.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canInstall, debian, tryInstall } from './apt.mjs';
import { findProgram, mustRun, run } from './run.mjs';
import { SetupError, say, step } from './say.mjs';
import { removing } from './temporary.mjs';

const usual = 'python:3.11-slim';

/** Returns whether this machine has the image. Rejects where the engine does not say: that is no "not found". */
export async function hasImage(tag) {
  const found = await mustRun('docker', ['image', 'ls', '--quiet', tag], { timeoutMs: 60_000 });
  return found.stdout.trim() !== '';
}

/** Returns the tag of a base image that is on this machine, pulling or making one where there is none. */
export async function ensureBaseImage() {
  if (await hasImage(usual)) {
    return usual;
  }
  const local = `pfs/base:${debian()?.codename ?? 'bookworm'}`;
  if (await hasImage(local)) {
    return local;
  }
  say(`looking for the base image ${usual}`);
  const pulled = await run('docker', ['pull', '--quiet', usual], { timeoutMs: 5 * 60_000 });
  if (pulled.code === 0) {
    return usual;
  }
  const reason = pulled.timedOut
    ? 'no end after 5 min'
    : (pulled.stderr.trim().split('\n').at(-1) ?? '');
  await makeLocally(local, reason);
  return local;
}

async function makeLocally(tag, reason) {
  if (canInstall() && !findProgram('debootstrap')) {
    await tryInstall(['debootstrap'], `An image to start from cannot be pulled and is made here`);
  }
  if (!canInstall() || !findProgram('debootstrap')) {
    throw new SetupError(
      `Cannot pull the image ${usual}: ${reason}; check the network, or put an image of that name on this machine (docker load)`,
    );
  }
  say(
    `no registry in reach (${reason.slice(0, 120)}): making ${tag} from this system's package mirror`,
  );
  await step(`making the base image ${tag}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pfs-base-'));
    const makeIn = () => make(tag, folder);
    await removing([folder], makeIn, () => unmount(folder));
  });
}

async function make(tag, folder) {
  const { id, codename } = debian();
  const mirror = mirrorOf(codename);
  const args = ['--variant=minbase', ...(id === 'ubuntu' ? ['--components=main,universe'] : [])];
  if (mirror.startsWith('https:')) {
    args.push('--include=ca-certificates');
  }
  const root = join(folder, 'root');
  await mustRun('debootstrap', [...args, codename, root, mirror], { timeoutMs: 15 * 60_000 });
  rmSync(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
  // Through a file and not a pipe: a failure of tar must not become a smaller image.
  const archive = join(folder, 'root.tar');
  await mustRun('tar', ['-C', root, '-cf', archive, '.'], { timeoutMs: 5 * 60_000 });
  await mustRun('docker', ['import', archive, tag], { timeoutMs: 5 * 60_000 });
}

/** Undoes what debootstrap mounts below its target, and leaves there when it is interrupted. */
function unmount(folder) {
  const mounts = readOrEmpty('/proc/mounts').split('\n');
  for (const target of mounts.map((line) => line.split(' ')[1] ?? '').reverse()) {
    if (target.startsWith(`${folder}/`)) {
      spawnSync('umount', ['--lazy', target]);
    }
  }
}

/** Returns the mirror from which apt gets this release, from either form of its configuration. */
function mirrorOf(codename) {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...namesIn(folder).map((name) => join(folder, name))];
  for (const file of files) {
    const text = readOrEmpty(file);
    const line = text.match(
      new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+)\\s+${codename}\\s`, 'm'),
    );
    if (line?.[1]) {
      return line[1];
    }
    for (const stanza of text.split(/\n\s*\n/)) {
      const suites =
        stanza
          .match(/^Suites:(.*)$/m)?.[1]
          ?.trim()
          .split(/\s+/) ?? [];
      const uri = stanza.match(/^URIs:\s*(\S+)/m)?.[1];
      if (suites.includes(codename) && uri) {
        return uri;
      }
    }
  }
  return debian()?.id === 'ubuntu'
    ? 'http://archive.ubuntu.com/ubuntu'
    : 'http://deb.debian.org/debian';
}

function namesIn(folder) {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

// `node scripts/complete-lock.mjs`, after a change of dependencies: names in package-lock.json the optional packages of
// other platforms. npm leaves out those that the registry in use does not offer, and then refuses to install from
// its own file. An entry without a hash is enough: only a machine of that platform fetches the package.

import { readFileSync, writeFileSync } from 'node:fs';
import { root } from './setup/paths.mjs';

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
];
systems.push('sunos', 'win32');
const processors = [
  'arm64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'x64',
];

/** Returns what a package's name says about the platform it is for, in the form of package.json. */
function platformOf(name) {
  const words = name.split('/').at(-1)?.split('-') ?? [];
  const os = systems.find((each) => words.includes(each));
  const cpu = processors.find((each) => words.includes(each));
  if (!os || !cpu) {
    throw new Error(
      `Cannot add "${name}" to package-lock.json: its name does not say its platform`,
    );
  }
  const musl = words.some((word) => word.startsWith('musl'));
  const libc = os === 'linux' && (musl ? ['musl'] : ['glibc']);
  return { cpu: [cpu], ...(libc ? { libc } : {}), os: [os] };
}

const path = `${root}/package-lock.json`;
const lock = JSON.parse(readFileSync(path, 'utf8'));
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (!lock.packages[place]) {
      const { cpu, libc, os } = platformOf(name);
      const dev = entry.dev ? { dev: true } : {};
      lock.packages[place] = {
        version,
        cpu,
        ...dev,
        ...(libc ? { libc } : {}),
        optional: true,
        os,
      };
      added += 1;
    }
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(sorted);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`added ${added} packages of other platforms to package-lock.json\n`);

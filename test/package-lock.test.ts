import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';

interface Entry {
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock: { packages: Record<string, Entry> } = JSON.parse(
  readFileSync('package-lock.json', 'utf8'),
);

it('package-lock.json names the optional packages of all platforms, so that npm ci works on each', () => {
  const missing = Object.values(lock.packages)
    .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
    .filter((name) => !lock.packages[`node_modules/${name}`]);
  assert.deepEqual(missing, [], 'run node scripts/complete-lock.mjs');
});

it('no package runs anything when it is installed, and those that would are known to work without', () => {
  assert.match(readFileSync('.npmrc', 'utf8'), /^ignore-scripts=true$/m);
  const scripted = Object.entries(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path.replace('node_modules/', ''));
  // esbuild is of the tools; ssh2 and cpu-features fall back to JavaScript, protobufjs only prints.
  const known = ['cpu-features', 'esbuild', 'protobufjs', 'ssh2'];
  assert.deepEqual(
    scripted.filter((name) => !known.includes(name)),
    [],
  );
});

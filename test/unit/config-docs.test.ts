// Every setting of the engine stands in docs/engine.md, and no other does; what can not be meant is refused.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { readConfig } from '../../engine/config.ts';
import { checkout } from '../support/cli.ts';

/** Returns which variables the engine looks at, as it looks at them. */
function settings(): ReadonlySet<string> {
  const asked = new Set<string>();
  const env = new Proxy<NodeJS.ProcessEnv>(
    // Those that are read twice where they are set.
    { PFS_CPUS: '1', PFS_MEMORY_BYTES: '1', PFS_GPUS: '1' },
    {
      get(target, name: string) {
        asked.add(name);
        return target[name];
      },
    },
  );
  readConfig(env);
  return asked;
}

it('docs/engine.md names all settings of the engine', () => {
  const text = readFileSync(join(checkout, 'docs/engine.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(PFS_\w+)`/gm)].map(([, name = '']) => name);
  const read = [...settings()].filter((name) => name.startsWith('PFS_'));
  assert.deepEqual(rows.sort(), read.sort());
});

it('proxies are trusted by their addresses and networks alone', () => {
  const given = (text: string) => readConfig({ PFS_TRUST_PROXY: text }).trustedProxies;
  assert.deepEqual(given(''), []);
  assert.deepEqual(given('127.0.0.1,10.0.0.0/8,::1,fd00::/8'), [
    '127.0.0.1',
    '10.0.0.0/8',
    '::1',
    'fd00::/8',
  ]);
  for (const wrong of [
    '1',
    'true',
    'proxy.example',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '10.0.0.0/8/8',
    '*',
  ]) {
    assert.throws(() => given(wrong), /Cannot use PFS_TRUST_PROXY: ".+" is no address or network/);
  }
});

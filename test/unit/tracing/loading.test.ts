// An engine as a process: it loads what sends spans only where a collector is named, and sends the last ones when it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it, type TestContext } from 'node:test';
import { checkout } from '../../support/cli.ts';
import { Collector } from '../../support/collector.ts';
import { scratchDirectory } from '../../support/scratch.ts';

/** Says at the end of a process which modules of OpenTelemetry it has loaded. */
const TELL = `data:text/javascript,${encodeURIComponent(`
  import module from 'node:module';
  process.on('exit', () => {
    const loaded = Object.keys(module._cache).filter((path) => path.includes('@opentelemetry'));
    console.log(JSON.stringify({ loaded }));
  });
`)}`;

/** Starts an engine, asks it for its repos, and ends it; returns the packages of OpenTelemetry that it has loaded. */
async function loadedBy(
  t: TestContext,
  otel: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const home = scratchDirectory(t);
  const inherited = Object.entries(process.env).filter(([name]) => !/^(PFS|OTEL)_/.test(name));
  const engine = spawn(
    process.execPath,
    ['--import', 'tsx', '--import', TELL, join(checkout, 'engine/main.ts')],
    {
      cwd: checkout,
      env: { ...Object.fromEntries(inherited), PFS_HOME: home, PFS_S3_LISTEN: 'off', ...otel },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(() => engine.kill('SIGKILL'));
  const ended = once(engine, 'close');
  let loaded: readonly string[] = [];
  for await (const line of createInterface({ input: engine.stdout })) {
    const { address, ...said } = JSON.parse(line) as { address?: string; loaded?: string[] };
    if (address !== undefined) {
      const authorization = `Bearer ${readFileSync(join(home, 'token'), 'utf8').trim()}`;
      const answer = await fetch(`${address}/api/v1/repos`, { headers: { authorization } });
      assert.equal(answer.status, 200);
      await answer.arrayBuffer();
      engine.kill('SIGTERM');
    }
    loaded = said.loaded ?? loaded;
  }
  assert.deepEqual(await ended, [0, null]);
  return [...new Set(loaded.map((path) => path.split('@opentelemetry/')[1]?.split('/')[0] ?? ''))];
}

it('without a collector nothing of it is loaded', async (t) => {
  // What the figures of Prometheus load themselves.
  assert.deepEqual(await loadedBy(t, { OTEL_SERVICE_NAME: 'unused' }), ['api']);
});

it('with one, an engine that ends sends its last spans, as Protocol Buffers', async (t) => {
  const collector = await Collector.start(t);
  const loaded = await loadedBy(t, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/v1/traces`,
  });
  assert.ok(loaded.includes('sdk-trace-base') && loaded.includes('exporter-trace-otlp-proto'));
  assert.ok(!loaded.includes('exporter-trace-otlp-http'), 'JSON is not needed');
  assert.equal(collector.headers[0]?.['content-type'], 'application/x-protobuf');
  const [request] = await collector.named('GET /api/v1/repos');
  assert.equal(request?.facts['http.response.status_code'], 200);
  assert.equal(request?.resource['service.name'], 'pfs');
  assert.match(request?.trace ?? '', /^[0-9a-f]{32}$/);
});

// A service in an engine of the test's own process, and what is asked of it.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { TestEngine, type TestEngineOptions } from '../../support/engine.ts';
import type { FakeRun } from '../../support/fake-executor.ts';
import { ask } from '../../support/hammer.ts';

export const SPEC = { name: 'web', input: 'data', glob: '/', service: { internal_port: 80 } };

/**
 * User code that serves the file `x` of its data, or what `ready` returns, once that lets it; a file `bad` makes it end at once.
 */
export function serve(
  ready: (x: string, run: FakeRun) => Promise<unknown> = async () => undefined,
) {
  return async (run: FakeRun): Promise<number> => {
    const { x = '', bad } = run.input('data');
    if (bad !== undefined) {
      await run.print('it is bad\n');
      return 3;
    }
    const said = await ready(x, run);
    const server = createServer((_, answer) => answer.end(typeof said === 'string' ? said : x));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    run.spec.onStarted?.([{ host: '127.0.0.1', port, direct: true }]);
    await new Promise<void>((resolve) =>
      run.spec.signal?.addEventListener('abort', () => resolve()),
    );
    server.closeAllConnections();
    server.close();
    return 0;
  };
}

/** An engine with a repo `data` for a service `web` that serves what is in its file `x`. */
export async function setUp(t: TestContext, options: TestEngineOptions = {}): Promise<TestEngine> {
  const engine = await TestEngine.start(t, options);
  engine.executor.setCode('web', serve());
  await engine.repos('data');
  return engine;
}

/** Returns what the service answers. */
export async function text(engine: TestEngine): Promise<string> {
  const { address } = engine.record('web').host ?? {};
  return (await ask(`http://${address?.host}:${address?.port}/`)).text;
}

/** Resolves when the data of this commit is served. */
export async function serving(engine: TestEngine, id: string): Promise<void> {
  await engine.until(() => {
    const { host } = engine.record('web');
    return host?.serving === id && host.since !== null;
  });
}

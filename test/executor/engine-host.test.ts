// Where containers reach the engine.

import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { it } from 'node:test';
import { findEngineHost } from '../../engine/executor/engine-host.ts';

type Connection = Parameters<typeof findEngineHost>[0];

function connection(options: {
  readonly host?: string;
  readonly system?: string;
  readonly bridge?: unknown;
}): Connection {
  const { host = 'unix:///var/run/docker.sock', system = 'Debian', bridge = {} } = options;
  return {
    docker: { getNetwork: () => ({ inspect: () => Promise.resolve(bridge) }) },
    endpoint: { host },
    host: { operatingSystem: system },
  } as unknown as Connection;
}

const named = (name: string) => ({ Options: { 'com.docker.network.bridge.name': name } });

it('it is the address of the interface that is Docker’s bridge', async () => {
  const found = await findEngineHost(connection({ bridge: named('lo') }), 'linux');
  assert.deepEqual(found, { listen: '127.0.0.1', host: '127.0.0.1' });
});

it('it is the own address of an engine that is itself a container on the bridge', async () => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family }) => family === 'IPv4');
  const bridge = { ...named('nowhere'), IPAM: { Config: [{ Subnet: own?.cidr ?? '' }] } };
  const { listen, host } = await findEngineHost(connection({ bridge }), 'linux');
  assert.equal(listen, host);
  assert.ok(
    Object.values(networkInterfaces()).some((all) =>
      all?.some(({ address }) => address === listen),
    ),
  );
});

it('a virtual machine has a name for its host', async () => {
  const wanted = { listen: '127.0.0.1', host: 'host.docker.internal' };
  assert.deepEqual(await findEngineHost(connection({}), 'darwin'), wanted);
  const desktop = connection({ system: 'Docker Desktop' });
  assert.deepEqual(await findEngineHost(desktop, 'linux'), wanted);
});

it('where there is none, the message says how to name one', async () => {
  for (const one of [
    connection({ bridge: named('nowhere') }),
    connection({ host: 'ssh://elsewhere', bridge: named('lo') }),
  ]) {
    await assert.rejects(findEngineHost(one, 'linux'), {
      code: 'failed_precondition',
      message: /set PFS_S3_JOBS to one/,
    });
  }
});

// Where containers reach this process: the host's end of Docker's bridge, or what virtual machines call their host.

import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { EngineError } from '../base/errors.ts';
import type { DockerConnection } from './docker-connection.ts';
import { dockerError } from './docker-errors.ts';
import type { EngineHost } from './executor.ts';
import { isLocalEndpoint } from './port-addresses.ts';

const LOOPBACK = '127.0.0.1';
const BRIDGE = 'com.docker.network.bridge.name';

interface Bridge {
  readonly Options?: Readonly<Record<string, string>> | null;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string }[] | null };
}

/** Finds it for containers on Docker's default network; rejects with `failed_precondition` where Docker is elsewhere. */
export async function findEngineHost(
  { docker, endpoint, host }: Pick<DockerConnection, 'docker' | 'endpoint' | 'host'>,
  platform = process.platform,
): Promise<EngineHost> {
  const isVirtual = platform === 'darwin' || /docker desktop|orbstack/i.test(host.operatingSystem);
  if (isLocalEndpoint(endpoint.host) && isVirtual) {
    return { listen: LOOPBACK, host: 'host.docker.internal' };
  }
  const bridge: Bridge = isLocalEndpoint(endpoint.host)
    ? ((await docker
        .getNetwork('bridge')
        .inspect()
        .catch((error: unknown) => {
          throw dockerError(error, 'look at the network "bridge"', { endpoint });
        })) as Bridge)
    : {};
  const address = addressOn(bridge);
  if (address === undefined) {
    throw new EngineError(
      'failed_precondition',
      `Cannot find an address of this machine that containers of Docker at ${endpoint.host} reach; set PFS_S3_JOBS to one`,
    );
  }
  return { listen: address, host: address };
}

/** This machine's address on the bridge: that of the interface, or, where this is itself a container, one of its subnet. */
function addressOn({ Options, IPAM }: Bridge): string | undefined {
  const own = networkInterfaces();
  const named = own[Options?.[BRIDGE] ?? '']?.find(({ family }) => family === 'IPv4');
  if (named) {
    return named.address;
  }
  const subnet = new BlockList();
  for (const { Subnet = '' } of IPAM?.Config ?? []) {
    const [net = '', prefix = ''] = Subnet.split('/');
    if (isIPv4(net)) {
      subnet.addSubnet(net, Number(prefix));
    }
  }
  return Object.values(own)
    .flatMap((addresses) => addresses ?? [])
    .find(({ address, family }) => family === 'IPv4' && subnet.check(address))?.address;
}

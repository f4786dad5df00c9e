// How a port of a container is reached from this machine.

import type Docker from 'dockerode';
import type { PortAddress } from './executor.ts';

/**
 * Returns the ways to a container's port: its own address on the bridge of this machine, which is the shortest and is not there
 * where Docker runs in a virtual machine, and the port of the loopback interface that leads to it.
 */
export function portAddresses(
  network: Docker.ContainerInspectInfo['NetworkSettings'],
  port: number,
): PortAddress[] {
  const own = Object.values(network.Networks ?? {}).map(({ IPAddress }) => IPAddress);
  const published = network.Ports[`${port}/tcp`] ?? [];
  return [
    ...own.filter((host) => host).map((host) => ({ host, port, direct: true })),
    ...published.map(({ HostIp, HostPort }) => ({
      host: HostIp,
      port: Number(HostPort),
      direct: false,
    })),
  ];
}

/** Returns whether a Docker endpoint is on this machine, so that ports of its loopback interface are ours. */
export function isLocalEndpoint(host: string): boolean {
  return /^unix:|^npipe:|^(?:tcp|https?):\/\/(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::|\/|$)/.test(
    host,
  );
}

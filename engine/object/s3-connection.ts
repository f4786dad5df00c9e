// How the client library is told about a server: once, for stores and for the files of users.

import http from 'node:http';
import https from 'node:https';
import type { ClientOptions } from 'minio';
import type { S3Place } from './s3-error.ts';

const MAX_SOCKETS = 64;

export interface S3ServerOptions {
  readonly bucket: string;
  /** `http://host:port` or `https://host`. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** Puts the bucket into the path, as most servers but Amazon's want it, not into the host name. */
  readonly pathStyle: boolean;
}

export interface S3Connection {
  readonly client: ClientOptions;
  readonly agent: http.Agent;
  readonly place: S3Place;
}

/** Returns what requests to a server need. Close the agent. */
export function connectS3(options: S3ServerOptions): S3Connection {
  const endpoint = new URL(options.endpoint);
  const useSSL = endpoint.protocol === 'https:';
  const settings = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const agent = useSSL ? new https.Agent(settings) : new http.Agent(settings);
  return {
    agent,
    place: {
      bucket: options.bucket,
      endpoint: endpoint.origin,
      secrets: [options.secretKey, options.accessKey, options.sessionToken ?? ''],
    },
    client: {
      endPoint: endpoint.hostname.replace(/^\[|\]$/g, ''),
      useSSL,
      ...(endpoint.port === '' ? {} : { port: Number(endpoint.port) }),
      region: options.region,
      accessKey: options.accessKey,
      secretKey: options.secretKey,
      ...(options.sessionToken === undefined ? {} : { sessionToken: options.sessionToken }),
      pathStyle: options.pathStyle,
      transportAgent: agent,
      retryOptions: { disableRetry: true },
    },
  };
}

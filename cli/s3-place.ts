// What users mean by `s3://bucket/key`: the words, and the server and keys that the environment names, as other tools for S3
// have them. The client for S3 is loaded only where such a name is used.

import { setMaxListeners } from 'node:events';
import type { S3Files } from '../engine/object/s3-files.ts';
import { CliError, failure, usageError } from './cli-error.ts';
import type { Environment } from './context.ts';

/** A place in a bucket. */
export interface S3Place {
  readonly bucket: string;
  /** As it is: nothing in it is decoded. */
  readonly key: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly style: string | undefined;
}

const BUCKET = /^(?=.{3,63}$)[a-z0-9][a-z0-9.-]*[a-z0-9]$/;
const DEFAULT_REGION = 'us-east-1';

/** Returns whether a word names a place in a bucket. */
export function isS3(text: string): boolean {
  return /^s3:\/\//i.test(text);
}

/** Takes `s3://bucket/key` apart; `?endpoint=…&region=…&style=path|host` may follow. Throws a usage error. */
export function parseS3(text: string): S3Place {
  const [, rest = ''] = /^s3:\/\/(.*)$/is.exec(text) ?? [];
  // A key may have a question mark in it: only what can be nothing else is taken for parameters.
  const [, named = rest, query = ''] =
    /^(.*?)\?((?:endpoint|region|style)=[^&]*(?:&(?:endpoint|region|style)=[^&]*)*)$/s.exec(rest) ??
    [];
  const slash = named.indexOf('/');
  const bucket = slash < 0 ? named : named.slice(0, slash);
  if (!BUCKET.test(bucket) || bucket.includes('..')) {
    throw usageError(
      bucket.includes('@')
        ? 'Cannot use an S3 name with credentials in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
        : `Cannot use "${text}": "${bucket}" is no name of a bucket; write s3://bucket/key`,
    );
  }
  const options = new URLSearchParams(query);
  const option = (name: string) => options.get(name) ?? undefined;
  return {
    bucket,
    key: slash < 0 ? '' : named.slice(slash + 1),
    endpoint: option('endpoint'),
    region: option('region'),
    style: option('style'),
  };
}

/** Opens a bucket with what AWS_* variables say: keys, region and endpoint. Close it. */
export async function openS3(
  place: S3Place,
  world: { readonly env: Environment; readonly signal: AbortSignal },
): Promise<S3Files> {
  const { env, signal } = world;
  // Each request under way listens to it, and many are at once.
  setMaxListeners(0, signal);
  const { S3Files: Files } = await import('../engine/object/s3-files.ts');
  const region = place.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || DEFAULT_REGION);
  const given = place.endpoint ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined);
  const endpoint = given ?? `https://s3.${region}.amazonaws.com`;
  if (!/^https?:\/\/[^/@]+\/?$/.test(endpoint)) {
    throw usageError(
      `Cannot use the S3 endpoint "${endpoint.replace(/\/\/[^@]*@/, '//…@')}": write http://host:port or https://host`,
    );
  }
  const { AWS_ACCESS_KEY_ID: accessKey = '', AWS_SECRET_ACCESS_KEY: secretKey = '' } = env;
  const { AWS_SESSION_TOKEN: sessionToken } = env;
  if ((accessKey === '') !== (secretKey === '')) {
    throw usageError('Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither');
  }
  return new Files({
    bucket: place.bucket,
    endpoint: endpoint.replace(/\/$/, ''),
    region,
    pathStyle: (place.style ?? (given === undefined ? 'host' : 'path')) === 'path',
    accessKey,
    secretKey,
    ...(sessionToken ? { sessionToken } : {}),
    signal,
  });
}

/** Returns the error of the command line for one of S3; anything else stays as it is. */
export function s3Failure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) {
    return error instanceof CliError ? error : failure('interrupted', 'Interrupted', error);
  }
  const { name, code, message } = Object(error) as Record<'name' | 'code' | 'message', string>;
  return name === 'EngineError' ? failure(code, message, error) : error;
}

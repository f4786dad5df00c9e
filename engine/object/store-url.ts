// How users name a store. Pure: nothing is opened, and credentials are no part of it.

import { fileURLToPath } from 'node:url';
import { EngineError, errorText } from '../base/errors.ts';

/** What a store URL says. */
export type StoreUrl =
  | { readonly kind: 'memory' }
  | { readonly kind: 'filesystem'; readonly directory: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Without slashes at its ends; may be empty. */
      readonly prefix: string;
      readonly endpoint: string;
      readonly region: string;
      readonly pathStyle: boolean;
    };

const FORMS =
  'write file:///absolute/path, /absolute/path or s3://bucket/prefix?endpoint=http://host:port';
const DEFAULT_REGION = 'us-east-1';
const BUCKET_PATTERN = /^(?=.{3,63}$)[a-z0-9][a-z0-9.-]*[a-z0-9]$/;
const PREFIX_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const REGION_PATTERN = /^[a-z0-9-]+$/;
const PARAMETERS = new Set(['endpoint', 'region', 'style']);

/**
 * Reads the URL of a store: `file:///path`, an absolute path, `memory:`, or `s3://bucket/prefix` with the parameters
 * `endpoint` (Amazon S3 by default), `region` (us-east-1) and `style` (`path`, or `host` for the bucket in the host
 * name; path where an endpoint is given). Anything else is `invalid`.
 */
export function parseStoreUrl(text: string): StoreUrl {
  if (text === 'memory:') {
    return { kind: 'memory' };
  }
  if (text.startsWith('/')) {
    return atDirectory(text, text);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw invalid(text, `it is neither a URL nor an absolute path; ${FORMS}`, error);
  }
  if (url.username !== '' || url.password !== '' || /^s3:\/\/[^/?#]*@/.test(text)) {
    // The text itself stays out of the message: it holds a secret.
    throw new EngineError(
      'invalid',
      'Cannot use the store URL: it holds credentials; give them in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
  }
  if (url.hash !== '') {
    throw invalid(text, 'it has a part after "#", which means nothing here; leave it out');
  }
  if (url.protocol === 'file:') {
    return parseFileUrl(text, url);
  }
  if (url.protocol === 's3:') {
    return parseS3Url(text, url);
  }
  throw invalid(text, `"${url.protocol}" is no kind of store; ${FORMS}`);
}

function parseFileUrl(text: string, url: URL): StoreUrl {
  if (url.host !== '' || !text.toLowerCase().startsWith('file:///') || url.search !== '') {
    throw invalid(text, 'a directory is written with three slashes: file:///absolute/path');
  }
  try {
    return atDirectory(text, fileURLToPath(url));
  } catch (error) {
    throw error instanceof EngineError ? error : invalid(text, errorText(error), error);
  }
}

function atDirectory(text: string, path: string): StoreUrl {
  const directory = path.replace(/\/+$/, '');
  if (directory === '') {
    throw invalid(text, 'the root of the file system is no place for a store; name a directory');
  }
  if (
    directory.includes('\0') ||
    directory.split('/').some((part) => part === '..' || part === '.')
  ) {
    throw invalid(text, 'the path has "." or ".." in it; write it out');
  }
  return { kind: 'filesystem', directory };
}

function parseS3Url(text: string, url: URL): StoreUrl {
  const bucket = url.hostname;
  if (url.port !== '' || !BUCKET_PATTERN.test(bucket) || bucket.includes('..')) {
    throw invalid(
      text,
      `"${url.host}" is no name of a bucket (3 to 63 of a-z 0-9 . -); a server is given as ?endpoint=http://host:port`,
    );
  }
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  if (prefix !== '' && !PREFIX_PATTERN.test(prefix)) {
    throw invalid(
      text,
      `the prefix "${prefix}" has other characters than letters, digits, . _ - and /`,
    );
  }
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.has(name) || url.searchParams.getAll(name).length > 1) {
      throw invalid(
        text,
        `the parameter "${name}" is unknown or given twice; known are endpoint, region, style`,
      );
    }
  }
  const region = url.searchParams.get('region') ?? DEFAULT_REGION;
  if (!REGION_PATTERN.test(region)) {
    throw invalid(text, `"${region}" is no region; write one like ${DEFAULT_REGION}`);
  }
  const given = url.searchParams.get('endpoint');
  const style = url.searchParams.get('style') ?? (given === null ? 'host' : 'path');
  if (style !== 'path' && style !== 'host') {
    throw invalid(text, `style is "${style}"; write path or host`);
  }
  const endpoint =
    given === null ? `https://s3.${region}.amazonaws.com` : parseEndpoint(text, given);
  return { kind: 's3', bucket, prefix, endpoint, region, pathStyle: style === 'path' };
}

function parseEndpoint(text: string, given: string): string {
  let endpoint: URL;
  try {
    endpoint = new URL(given);
  } catch (error) {
    throw invalid(
      text,
      `its endpoint "${given}" is no URL; write http://host:port or https://host`,
      error,
    );
  }
  if (endpoint.username !== '' || endpoint.password !== '') {
    throw new EngineError(
      'invalid',
      'Cannot use the store URL: its endpoint holds credentials; give them in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
  }
  const plain = endpoint.pathname === '/' && endpoint.search === '' && endpoint.hash === '';
  if (!['http:', 'https:'].includes(endpoint.protocol) || !plain) {
    throw invalid(
      text,
      `its endpoint "${given}" is no server; write http://host:port or https://host`,
    );
  }
  return endpoint.origin;
}

function invalid(text: string, state: string, cause?: unknown): EngineError {
  return new EngineError(
    'invalid',
    `Cannot use store URL "${text}": ${state}`,
    cause === undefined ? {} : { cause },
  );
}

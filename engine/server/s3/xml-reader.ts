// The little XML that clients of S3 send.

import { XMLParser } from 'fast-xml-parser';
import { S3Error } from './s3-error.ts';

const parser = new XMLParser({
  parseTagValue: false,
  // No entities but those of XML itself: a document can't grow.
  processEntities: true,
  trimValues: false,
  ignoreDeclaration: true,
  removeNSPrefix: true,
});

/** Reads a document whose root has this name; returns its elements as texts, lists of them, and objects. */
export function parseXml(text: string, root: string): Readonly<Record<string, unknown>> {
  let parsed: Record<string, unknown> = {};
  try {
    parsed = parser.parse(text) as Record<string, unknown>;
  } catch {
    // What is no XML has no root either.
  }
  const found = parsed[root];
  if (text.includes('<!DOCTYPE') || typeof found !== 'object' || found === null) {
    throw new S3Error('MalformedXML', `The body must be a document "${root}"`);
  }
  return found as Record<string, unknown>;
}

/** Returns what stands under a name as a list: there may be none, one or several. */
export function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

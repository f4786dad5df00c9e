// Reads YAML documents from text that nobody has vouched for: bounds nesting and aliases before anything recursive sees
// them, since a stack that runs out inside a regular expression ends the whole process.

import type { CST, Document } from 'yaml';
import { Composer, Parser, visit } from 'yaml';
import { errorText } from '../base/errors.ts';
import type { FailAt } from './json-reader.ts';
import { MAX_NESTING } from './spec-document.ts';

const MAX_ALIASES = 100;

/** Reads all documents of `text`; each may still hold errors. Calls `fail` where limits are passed. */
export function readYamlDocuments(text: string, fail: FailAt): Document.Parsed[] {
  const tokens = [...new Parser().parse(text)];
  checkLimits(tokens, fail);
  const composer = new Composer({ prettyErrors: false, merge: true, logLevel: 'silent' });
  return [...composer.compose(tokens)] as Document.Parsed[];
}

/** Returns the plain value of a document, its aliases followed. */
export function yamlValue(document: Document.Parsed, fail: FailAt): unknown {
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) === undefined) {
        const offset = alias.range?.[0] ?? 0;
        fail(offset, `the alias *${alias.source} has no anchor before it`, 'write the value out');
      }
    },
  });
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return fail(
      document.range[0],
      `its aliases cannot be followed (${errorText(error)})`,
      'write the values out instead of using so many aliases',
    );
  }
}

function checkLimits(tokens: readonly CST.Token[], fail: FailAt): void {
  const stack = tokens.map((token) => ({ token, depth: 0 }));
  let aliases = 0;
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { token, depth } = top;
    aliases += token.type === 'alias' ? 1 : 0;
    if (depth > MAX_NESTING || aliases > MAX_ALIASES) {
      const what = depth > MAX_NESTING ? `values nested more than ${MAX_NESTING} deep` : '';
      fail(
        token.offset,
        what || `more than ${MAX_ALIASES} aliases`,
        'write a flatter spec, with the values written out',
      );
    }
    for (const child of children(token)) {
      stack.push({ token: child, depth: depth + 1 });
    }
  }
}

function children(token: CST.Token): CST.Token[] {
  if (token.type === 'document') {
    return token.value === undefined ? [] : [token.value];
  }
  if (!('items' in token)) {
    return [];
  }
  return token.items.flatMap((item) => [item.key, item.value].filter((part) => part != null));
}

// Turns the text of a spec file into documents, each with its value and the place of every field. Knows JSON and YAML,
// and nothing of what a pipeline is.

import type { Document, Node, Pair } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, visit } from 'yaml';
import { EngineError } from '../base/errors.ts';
import type { FailAt, JsonNode } from './json-reader.ts';
import { readJsonDocuments } from './json-reader.ts';
import type { SpecDocument, SpecPath } from './spec-document.ts';
import { LineIndex } from './spec-document.ts';
import { readYamlDocuments, yamlValue } from './yaml-reader.ts';

const MAX_TEXT_LENGTH = 4 * 1024 * 1024;

/**
 * Reads all pipeline specs of a text: JSON or YAML, one or several documents (one after the other, divided by `---`, or
 * in a list at the top), with comments and trailing commas. A file named `.json` is read as JSON only. Throws
 * `invalid` with file, line, column and the line itself at the first syntax error; duplicate names are such errors.
 */
export function parseSpecs(text: string, options: { fileName: string }): SpecDocument[] {
  const { fileName } = options;
  const lines = new LineIndex(text);
  const fail: FailAt = (offset, message, remedy) => {
    throw syntaxError(fileName, lines, { offset, message, remedy });
  };
  if (text.length > MAX_TEXT_LENGTH) {
    fail(0, `it is longer than ${MAX_TEXT_LENGTH} characters`, 'split it into several files');
  }
  const documents = readDocuments(text, { fileName, lines, fail });
  if (documents.length === 0) {
    throw new EngineError(
      'invalid',
      `Cannot read the pipeline spec "${fileName}": it holds no pipeline; write at least pipeline, transform and input`,
      { details: { file: fileName, line: 1, column: 1, field: 'spec' } },
    );
  }
  return documents;
}

interface Source {
  readonly fileName: string;
  readonly lines: LineIndex;
  readonly fail: FailAt;
}

function readDocuments(text: string, source: Source): SpecDocument[] {
  const isJsonFile = source.fileName.toLowerCase().endsWith('.json');
  if (!isJsonFile && !looksLikeJson(text)) {
    return readYaml(text, source);
  }
  try {
    return readJsonDocuments(text, source.fail).flatMap((node) =>
      jsonDocuments(text, node, source),
    );
  } catch (jsonError) {
    // YAML's flow style begins like JSON, but may leave out quotes.
    const documents = isJsonFile ? undefined : validYaml(text, source);
    if (documents === undefined) {
      throw jsonError;
    }
    return documents;
  }
}

/** Reads the text as YAML, or returns undefined where it is none: the JSON error says more then. */
function validYaml(text: string, source: Source): SpecDocument[] | undefined {
  try {
    return readYaml(text, source);
  } catch {
    return undefined;
  }
}

function looksLikeJson(text: string): boolean {
  const start = text.replace(/^(?:[\s\ufeff]+|#.*|\/\/.*|\/\*[\s\S]*?\*\/|---)*/, '')[0];
  return start === '{' || start === '[';
}

function syntaxError(
  fileName: string,
  lines: LineIndex,
  error: { offset: number; message: string; remedy: string },
): EngineError {
  const { line, column } = lines.position(error.offset);
  const full = lines.line(line);
  const from = column > 100 ? column - 60 : 1;
  const shown = full.slice(from - 1, from + 119).replaceAll('\t', ' ');
  const label = `${line} | `;
  const caret = `${' '.repeat(label.length - 2)}| ${' '.repeat(column - from)}^`;
  return new EngineError(
    'invalid',
    `Cannot read the pipeline spec "${fileName}": ${fileName}:${line}:${column}: ${error.message}; ${error.remedy}\n  ${label}${shown}\n  ${caret}`,
    { details: { file: fileName, line, column, field: 'spec' } },
  );
}

function jsonDocuments(text: string, root: JsonNode, source: Source): SpecDocument[] {
  return (root.items ?? [root]).map((node) => ({
    fileName: source.fileName,
    text: text.slice(node.start, node.end),
    value: node.value,
    position: (path, options) => source.lines.position(jsonOffset(node, path, options?.key)),
  }));
}

function jsonOffset(root: JsonNode, path: SpecPath, atKey = false): number {
  let node = root;
  let offset = root.start;
  for (const [index, part] of path.entries()) {
    const member = typeof part === 'string' ? node.members?.get(part) : undefined;
    const next = member?.node ?? (typeof part === 'number' ? node.items?.[part] : undefined);
    if (next === undefined) {
      break;
    }
    node = next;
    offset = atKey && member && index === path.length - 1 ? member.keyStart : next.start;
  }
  return offset;
}

const YAML_REMEDIES: Readonly<Record<string, readonly [string, string]>> = {
  DUPLICATE_KEY: ['this field is here for the second time', 'keep one of them'],
  TAB_AS_INDENT: ['a tab is used as indentation', 'indent with spaces'],
  BAD_INDENT: ['the indentation does not fit', 'indent fields of one object alike'],
  MISSING_CHAR: ['a closing quote, bracket or comma is missing', 'add it'],
  MULTILINE_IMPLICIT_KEY: ['the name of a field spans lines', 'look for a missing ":" or quote'],
};

function readYaml(text: string, source: Source): SpecDocument[] {
  return readYamlDocuments(text, source.fail).flatMap((document) =>
    yamlDocuments(text, document, source),
  );
}

function yamlDocuments(text: string, document: Document.Parsed, source: Source): SpecDocument[] {
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) {
    const [message, remedy] = YAML_REMEDIES[error.code] ?? [
      lowerFirst(error.message),
      'correct the YAML here',
    ];
    source.fail(error.pos[0], message, remedy);
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) {
    return [];
  }
  const value = yamlValue(document, source.fail);
  const nodes = isSeq(root) && Array.isArray(value) ? (root.items as Node[]) : [root];
  const values = nodes.length === 1 && nodes[0] === root ? [value] : (value as unknown[]);
  return nodes.map((node, index) => ({
    fileName: source.fileName,
    text: nodes[0] === root ? wholeText(text, document) : itemText(text, node, values[index]),
    value: values[index],
    position: (path, options) =>
      source.lines.position(yamlOffset(document, node, { path, atKey: options?.key ?? false })),
  }));
}

function wholeText(text: string, document: Document.Parsed): string {
  return text.slice(document.range[0], document.range[1]).replace(/^---[^\n]*\n/, '');
}

/** The text of one entry of a list, such that it stands alone. */
function itemText(text: string, node: Node, value: unknown): string {
  let usesAliases = false;
  visit(node, {
    Alias: () => {
      usesAliases = true;
      return visit.BREAK;
    },
  });
  const [start, end] = node.range ?? [0, 0];
  if (usesAliases) {
    return JSON.stringify(value, null, 2);
  }
  // The first line begins after the dash; the others keep their indentation, which must not be deeper than its own.
  const column = start - (text.lastIndexOf('\n', start - 1) + 1);
  return isMap(node) && node.flow !== true
    ? ' '.repeat(column) + text.slice(start, end)
    : text.slice(start, end);
}

function yamlOffset(
  document: Document.Parsed,
  root: Node,
  where: { path: SpecPath; atKey: boolean },
): number {
  let node: Node | undefined = root;
  let offset = root.range?.[0] ?? 0;
  for (const [index, part] of where.path.entries()) {
    const resolved: Node | undefined = isAlias(node) ? node.resolve(document) : node;
    const pair: Pair<Node, Node | null> | undefined = isMap(resolved)
      ? (resolved.items as Pair<Node, Node | null>[]).find(
          ({ key }) => String(key) === String(part),
        )
      : undefined;
    const next: Node | null | undefined = isSeq(resolved)
      ? (resolved.items[Number(part)] as Node | undefined)
      : pair?.value;
    const isLast = index === where.path.length - 1;
    const place = (pair && ((where.atKey && isLast) || !next?.range) ? pair.key : next)?.range?.[0];
    if (place === undefined) {
      break;
    }
    offset = place;
    node = next ?? undefined;
  }
  return offset;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

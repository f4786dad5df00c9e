// What the documentation says without typing it: links and anchors lead somewhere, in the checkout and on the page; commands in running
// text have the names and options that there are; specs and parts of specs are valid; what the program says of pages is so.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { parseArguments } from '../../cli/arguments.ts';
import { overviewHelp } from '../../cli/help.ts';
import { findCommand, loadCommands } from '../../cli/registry.ts';
import { checkOffline } from '../../engine/jobs/offline-specs.ts';
import { PIPELINE_SCHEMA } from '../../engine/pipeline/spec-schema.ts';
import { checkout } from '../support/cli.ts';
import { readPage } from './page.ts';
import { pagePaths } from './page-paths.ts';

const pages = pagePaths().map(readPage);

describe('the documentation on the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pfs-site-'));
  before(async () => {
    const { writeSite } = await import(join(checkout, 'scripts/docs/site.mjs'));
    writeSite(folder);
  });
  after(() => rmSync(folder, { recursive: true }));
  const htmlFiles = () =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) =>
      each.endsWith('.html'),
    );

  it('has no link or picture that leads nowhere', () => {
    const idsOf = (file: string): ReadonlySet<string> =>
      new Set(
        [...readFileSync(join(folder, file), 'utf8').matchAll(/ id="([^"]*)"/g)].map(
          ([, id = '']) => id,
        ),
      );
    const wrong: string[] = [];
    for (const file of htmlFiles()) {
      const html = readFileSync(join(folder, file), 'utf8');
      for (const [, target = ''] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
        const [path = '', anchor] = target.split('#');
        if (/^https?:/.test(target) || target === '/') {
          continue;
        }
        const to = path === '' ? file : posix.join(posix.dirname(file), path);
        const isThere = existsSync(join(folder, to)) && statSync(join(folder, to)).isFile();
        if (!isThere || (anchor !== undefined && !idsOf(to).has(anchor))) {
          wrong.push(`${file}: ${target}`);
        }
      }
    }
    assert.deepEqual(wrong, []);
    assert.ok(htmlFiles().length > 25);
  });

  it('needs nothing that a strict policy forbids: no script, no inline style, nothing from elsewhere', () => {
    for (const file of htmlFiles()) {
      const html = readFileSync(join(folder, file), 'utf8').replace(/<pre[\s\S]*?<\/pre>/g, '');
      assert.doesNotMatch(
        html,
        /<script|<style| style=| on\w+="|src="https?:|<link[^>]*href="https?:/,
        file,
      );
    }
  });
});

it('commands in running text have the names and options that there are', async () => {
  const wrong: string[] = [];
  // What the format names so is hashed, and no command.
  for (const { path, spoken } of pages.filter((page) => page.path !== 'docs/format.md')) {
    for (const { line, text } of spoken) {
      const problem = await problemOf(text);
      if (problem !== undefined) {
        wrong.push(`${path}:${line}: ${text}: ${problem}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

/** Returns what is wrong with a command line, as far as its names go. */
async function problemOf(text: string): Promise<string | undefined> {
  const words = text.match(/"[^"]*"|'[^']*'|[^\s"']+/g)?.slice(1) ?? [];
  const end = words.findIndex((word) => /^(\||>|<|&&|;)$/.test(word));
  const own = (end < 0 ? words : words.slice(0, end)).map((word) => word.split('|')[0] ?? '');
  if (own[0]?.startsWith('-') || own[0] === 'help' || own[0] === 'next-datum') {
    return undefined;
  }
  const found = findCommand(own);
  const command =
    found && (await loadCommands(found.module)).find(({ names }) => names.includes(found.name));
  if (!found || !command) {
    return 'there is no such command';
  }
  try {
    parseArguments(own.slice(found.words), command.options);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** What makes a whole spec of a part. */
const REST = {
  pipeline: { name: 'p' },
  transform: { image: 'busybox:1', cmd: ['true'] },
  input: { pfs: { repo: 'data', glob: '/*' } },
};
const INPUTS = new Set(['pfs', 'cron', 'git', 'cross', 'union', 'join', 'group']);

it('specs and parts of specs are valid', () => {
  let count = 0;
  for (const { path, steps } of pages) {
    for (const step of steps) {
      const isFile = step.kind === 'file' && /\.(json|ya?ml)$/.test(step.name);
      const isData = step.kind === 'data' && /^(json|yaml)$/.test(step.language);
      if (!isFile && !isData) {
        continue;
      }
      const braced = step.text.trimStart().startsWith('"') ? `{${step.text}}` : step.text;
      const value: Record<string, unknown> = parse(braced);
      const [first = ''] = Object.keys(value);
      // Others are documents of other kinds, which are at least JSON.
      if (
        INPUTS.has(first) ||
        Object.keys(value).some((name) => name in PIPELINE_SCHEMA.properties)
      ) {
        const part = INPUTS.has(first) ? { input: value } : value;
        const { input: _, ...hosted } = REST;
        const rest = 'spout' in part ? hosted : REST;
        const transform = { ...REST.transform, ...(part.transform as object | undefined) };
        const spec = JSON.stringify({ ...rest, ...part, transform });
        assert.doesNotThrow(
          () => checkOffline(spec, { fileName: `${path}:${step.line}`, project: 'default' }),
          `${path}:${step.line}`,
        );
        count += 1;
      }
    }
  }
  assert.ok(count >= 12, `only ${count} were found`);
});

it('pages that the program, its help and its messages name are there', async () => {
  const help = await overviewHelp(80);
  assert.match(help, /\/docs\//);
  const sources = ['engine', 'cli', 'schemas'].flatMap((folder) =>
    readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|json)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  const texts = [help, ...sources.map((name) => readFileSync(join(checkout, name), 'utf8'))];
  const named = texts.flatMap((text) => [...text.matchAll(/\bdocs\/([\w-]+)\.(?:md|html)\b/g)]);
  const missing = named.filter(([, name]) => !existsSync(join(checkout, `docs/${name}.md`)));
  assert.deepEqual(
    missing.map(([all]) => all),
    [],
  );
  assert.ok(named.length > 0);
});

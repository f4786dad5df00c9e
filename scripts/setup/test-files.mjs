// Which test files there are, and what each needs of the world, read off what it imports: a part of the tests that
// needs no Docker runs without it.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { root } from './paths.mjs';
import { SetupError } from './say.mjs';

const imports = /(?:\bfrom\s+|\bimport\s*\(?\s*)'(\.{1,2}\/[^']+)'/g;

/** Returns all test files below the given files and folders (relative to the checkout), sorted. */
export function findTests(paths) {
  const found = new Set();
  for (const path of paths) {
    const full = resolve(root, path);
    if (!existsSync(full)) {
      throw new SetupError(`Cannot find tests in "${path}": there is no such file or folder`);
    }
    const names = statSync(full).isDirectory()
      ? readdirSync(full, { recursive: true, encoding: 'utf8' }).map((name) => `${full}/${name}`)
      : [full];
    for (const name of names.filter((each) => each.endsWith('.test.ts'))) {
      found.add(relative(root, name));
    }
  }
  return [...found].sort();
}

/** Returns `{ build, browser, docker, s3, tools, clients }`: what a test file needs, by the support modules it reaches. */
export function needsOf(test) {
  const files = reachable(resolve(root, test));
  const texts = [...files].map((file) => readFileSync(file, 'utf8'));
  const mentions = (pattern) => texts.some((text) => pattern.test(text));
  const docker = test.startsWith('test/e2e/') || mentions(/PFS_REQUIRE_DOCKER/);
  return {
    build: mentions(/'bin\/pfs'|'dist\/|\.\.\/dist\//),
    browser: mentions(/'playwright-core'/),
    docker,
    s3: mentions(/PFS_REQUIRE_S3/),
    tools: docker || mentions(/git-lfs|busybox/),
    clients: mentions(/initdb|skipWithoutPrograms/),
  };
}

/** The file and everything below test/ that it imports. */
function reachable(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(file)) {
    return seen;
  }
  seen.add(file);
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(imports)) {
    const next = resolve(dirname(file), target);
    if (next.startsWith(`${root}/test/`)) {
      reachable(next, seen);
    }
  }
  return seen;
}

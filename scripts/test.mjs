// `npm test`: set-up, lint, types, then the tests; the runner's own summary comes last.
//
//   npm test                         everything
//   npm test -- test/unit/git        a part, without lint and types, and without Docker where it needs none
//   npm test -- --fast               lint, types and the tests that need neither Docker nor S3 (npm run check)
//   npm test -- --strict             a missing Docker engine, S3 server or tool is a failure (as with CI=true)

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { root } from './setup/paths.mjs';
import { childEnvironment } from './setup/run.mjs';
import { complain, duration, SetupError, say } from './setup/say.mjs';
import { ensurePackages, ensureProgram, ensureTestParts } from './setup/setup.mjs';
import { findTests, needsOf } from './setup/test-files.mjs';

/** One test that takes longer than this hangs; the slowest rounds of kill -9 take a few minutes, a soak as long as it is told. */
const soakMs = 2 * 60_000 * Number(process.env.PFS_SOAK_MINUTES ?? 0);
const testTimeoutMs = 20 * 60_000 + soakMs;
const runTimeoutMs = 55 * 60_000 + soakMs;

const flags = new Set(process.argv.slice(2).filter((each) => each.startsWith('--')));
const paths = process.argv.slice(2).filter((each) => !each.startsWith('--'));
const fast = flags.has('--fast');
const strict = !fast && (flags.has('--strict') || process.env.CI === 'true');

try {
  process.exitCode = await main();
} catch (error) {
  complain(error);
  process.exitCode = 1;
}

async function main() {
  const unknown = [...flags].find((flag) => flag !== '--fast' && flag !== '--strict');
  if (unknown) {
    throw new SetupError(
      `Cannot run the tests: unknown option "${unknown}"; there are --fast and --strict`,
    );
  }
  const started = performance.now();
  const tests = select();
  await ensurePackages();
  // Before the build, which would fail on the same type errors and say it less well.
  const checked = paths.length > 0 || ((await check('lint')) && (await check('types')));
  if (!checked) {
    return 1;
  }
  await prepare(tests);
  say(
    `set-up and checks took ${duration(performance.now() - started)}; running ${tests.length} test files`,
  );
  return runInTurns(tests);
}

/**
 * Runs the tests with a browser before all others: containers that start and stop change the machine's network, whereupon
 * Chromium breaks off what it is loading (net::ERR_NETWORK_CHANGED).
 */
async function runInTurns(tests) {
  const inBrowser = tests.filter((test) => needsOf(test).browser);
  const others = tests.filter((test) => !inBrowser.includes(test));
  const codes = [];
  for (const turn of [inBrowser, others].filter(({ length }) => length > 0)) {
    codes.push(await runTests(turn));
  }
  const worst = Math.max(...codes);
  if (worst > 0 && codes.at(-1) === 0) {
    say('the tests with a browser failed: see their summary above');
  }
  return worst;
}

function select() {
  const all = findTests(paths.length > 0 ? paths : ['test']);
  const tests = fast ? all.filter((test) => !needsOf(test).docker && !needsOf(test).s3) : all;
  if (tests.length === 0) {
    throw new SetupError(`Cannot run the tests: there are none in ${paths.join(', ')}`);
  }
  return tests;
}

/** Gets ready what the chosen tests need, and says what will be left out, or fails where nothing may be. */
async function prepare(tests) {
  const needs = { build: false, docker: false, s3: false, tools: false, clients: false };
  for (const test of tests) {
    for (const [name, needed] of Object.entries(needsOf(test))) {
      needs[name] ||= needed;
    }
  }
  if (needs.build) {
    await ensureProgram();
  }
  const lacking = await ensureTestParts(needs);
  const reasons = Object.values(lacking).flat();
  if (strict && reasons.length > 0) {
    throw new SetupError(
      `Cannot run all tests, and none may be left out here:\n  ${reasons.join('\n  ')}`,
    );
  }
  for (const name of ['docker', 's3']) {
    if (lacking[name].length > 0) {
      const without = tests.filter((test) => needsOf(test)[name]);
      say(`not run, or only in part: ${without.join(', ')}`);
      say(`  because ${lacking[name].join('; ')}`);
    }
  }
  for (const reason of lacking.tools) {
    say(reason);
  }
}

/** Runs a script of package.json with its output shown; returns whether it succeeded. */
async function check(script) {
  say(`npm run ${script}`);
  const succeeded = (await spawnShown('npm', ['run', '--silent', script], {})) === 0;
  if (!succeeded) {
    complain(new SetupError(`npm run ${script} found errors; no test was run`));
  }
  return succeeded;
}

async function runTests(tests) {
  // A test must not talk to the engine, or the store, of the person who runs it.
  const theirs = ['PFS_HOME', 'PFS_ADDRESS', 'PFS_STORE', 'PFS_TOKEN', 'PFS_PROJECT'];
  const env = Object.fromEntries(theirs.map((name) => [name, undefined]));
  if (strict) {
    env.PFS_REQUIRE_DOCKER = '1';
    env.PFS_REQUIRE_S3 = '1';
    env.PFS_REQUIRE_TOOLS = '1';
  }
  const args = ['--import', 'tsx', '--test', '--test-reporter=spec'];
  args.push(`--test-concurrency=${Math.max(2, Math.min(4, availableParallelism()))}`);
  args.push(`--test-timeout=${testTimeoutMs}`, ...tests);
  return spawnShown(process.execPath, args, env, runTimeoutMs);
}

/** Runs a program on this terminal and returns its exit code; a signal to us is the child's to act on first. */
function spawnShown(command, args, env, timeoutMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: childEnvironment(env),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const pass = (signal) => child.kill(signal);
    process.on('SIGINT', pass);
    process.on('SIGTERM', pass);
    const timer =
      timeoutMs &&
      setTimeout(() => {
        say(`the tests did not end within ${duration(timeoutMs)}: ending them`);
        child.kill('SIGINT');
        setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
      }, timeoutMs);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      process.off('SIGINT', pass);
      process.off('SIGTERM', pass);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

// `npm run bench`: sets up what the rows need, then measures each beside the command that it is compared with.
//
//   npm run bench                       every row, one table (about an hour)
//   npm run bench -- ingest-small       one row, or several
//   npm run bench -- --quick            small sizes and one round: whether it works, not how fast it is
//   npm run bench -- --rounds 3         so many rounds of each slow row
//   npm run bench -- --list             what rows there are
//   npm run bench -- --json FILE        also writes the figures into a file

import { spawn } from 'node:child_process';
import { ensureBenchTools } from './setup/bench-tools.mjs';
import { root } from './setup/paths.mjs';
import { childEnvironment, run } from './setup/run.mjs';
import { complain, SetupError, say } from './setup/say.mjs';
import { ensurePackages, ensureProgram } from './setup/setup.mjs';

const program = ['--import', 'tsx', 'test/bench/main.ts'];

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(error);
  process.exitCode = 1;
}

async function main(args) {
  await ensurePackages();
  const asked = await run(process.execPath, [...program, '--needs', ...args]);
  if (asked.code !== 0) {
    throw new SetupError(asked.stderr.trim().replace(/^error: /, ''));
  }
  if (!args.includes('--list')) {
    await ensureProgram();
    for (const reason of await ensureBenchTools(JSON.parse(asked.stdout))) {
      say(reason);
    }
  }
  return shown([...program, ...args]);
}

/** Runs the bench on this terminal and returns its exit code; a signal to us is the bench's to act on. */
function shown(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: childEnvironment(),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => child.kill(signal));
    }
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

// The entry of `pfs`: connects one run to this process.

import { run } from './run.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) {
      // Asked twice: whatever is still being tidied up is left.
      process.exit(130);
    }
    interrupted.abort();
    // A read from who says nothing more would keep the process for ever.
    process.stdin.destroy();
  });
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has seen enough, as `head` does. Whatever else fails, the write itself reports.
    if (error.code === 'EPIPE') {
      process.exit(0);
    }
  });
}

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupted.signal,
  now: Date.now(),
});

// The demo where Docker can't be had: its command as a process of this machine, where that has what the image would have.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/paths.mjs';
import { lastLines, run } from '../setup/run.mjs';

const code = 'docker/iris-train/code/pytrain.py';

/** Returns why commands can't run without Docker here; undefined where they can. */
export async function lackingForProcesses() {
  if (process.platform !== 'linux') {
    return 'that takes Linux';
  }
  const namespaces = ['--user', '--map-root-user', '--mount', '--pid', '--fork', 'true'];
  const tried = await run('unshare', namespaces, { timeoutMs: 20_000 });
  if (tried.code !== 0) {
    return tried.missing
      ? 'this machine has no unshare (install util-linux)'
      : `the kernel allows no user namespaces (${lastLines(tried.stderr, 1)})`;
  }
  const modules = 'import joblib, pandas, sklearn';
  const python = await run('python3', ['-c', modules], { timeoutMs: 60_000 });
  if (python.code === 0) {
    return undefined;
  }
  return python.missing
    ? 'this machine has no python3'
    : 'the python3 of this machine lacks scikit-learn or pandas (pip install scikit-learn pandas, or apt-get install python3-sklearn python3-pandas)';
}

/** Writes the example's spec with its code as standard input of `python3`; returns the path, and the spec as it is to be shown. */
export function specWithoutImage(session) {
  const spec = readFileSync(join(root, 'pipelines/iris/model.json'), 'utf8');
  const lines = readFileSync(join(root, code), 'utf8').split('\n');
  const withStdin = (stdin) =>
    spec.replace(
      /"cmd":\s*\[[^\]]*\]/,
      () => `"cmd": ["python3", "-"],\n    "stdin": ${JSON.stringify(stdin)}`,
    );
  const path = session.file('model.json');
  writeFileSync(path, withStdin(lines));
  return { path, text: withStdin([`… ${code} …`]) };
}

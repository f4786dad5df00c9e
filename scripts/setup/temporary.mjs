// Folders that exist only while something is made in them; they go with a failure, and with Ctrl-C too.

import { rmSync } from 'node:fs';

/** Runs `action` and removes `paths` afterwards, also where the process ends first. */
export async function removing(paths, action, before = () => undefined) {
  const remove = () => {
    before();
    for (const path of paths) {
      rmSync(path, { recursive: true, force: true });
    }
  };
  process.once('exit', remove);
  try {
    return await action();
  } finally {
    process.off('exit', remove);
    remove();
  }
}

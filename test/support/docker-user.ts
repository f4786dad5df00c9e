// A user of this machine who is not root and may use Docker, for what root never meets.

import { execFileSync } from 'node:child_process';

const NAME = 'pfs-test-user';

export interface OtherUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Returns the user, made where absent; undefined where the test itself is run by such a user. */
export function dockerUser(): OtherUser | undefined {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  const id = (flag: string): number =>
    Number(
      execFileSync('id', [flag, NAME], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  try {
    id('-u');
  } catch {
    execFileSync('useradd', ['--system', '--no-create-home', '--user-group', NAME]);
  }
  execFileSync('usermod', ['-aG', 'docker', NAME]);
  return { name: NAME, uid: id('-u'), gid: id('-g') };
}

/** Returns the words that run `argv` as the user, with the user's own groups. */
export function asUser(user: OtherUser, argv: readonly string[]): string[] {
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--', ...argv];
}

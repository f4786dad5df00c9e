// Which file defines which command, so that a run loads only the one it needs.

import type { Command } from './command.ts';

type Loader = () => Promise<{ readonly commands: readonly Command[] }>;

/** The files of `commands/`, in the order of the help. */
export const MODULES = {
  repo: () => import('./commands/repo.ts'),
  branch: () => import('./commands/branch.ts'),
  tag: () => import('./commands/tag.ts'),
  commit: () => import('./commands/commit.ts'),
  file: () => import('./commands/file.ts'),
  secret: () => import('./commands/secret.ts'),
  auth: () => import('./commands/auth.ts'),
  ui: () => import('./commands/ui.ts'),
  git: () => import('./commands/git.ts'),
  s3: () => import('./commands/s3.ts'),
  transaction: () => import('./commands/transaction.ts'),
  pipeline: () => import('./commands/pipeline.ts'),
  spec: () => import('./commands/spec.ts'),
  draw: () => import('./commands/draw.ts'),
  defaults: () => import('./commands/defaults.ts'),
  'git-input': () => import('./commands/git-input.ts'),
  job: () => import('./commands/job.ts'),
  datum: () => import('./commands/datum.ts'),
  workbench: () => import('./commands/workbench.ts'),
  why: () => import('./commands/why.ts'),
  logs: () => import('./commands/logs.ts'),
  provenance: () => import('./commands/provenance.ts'),
  upkeep: () => import('./commands/upkeep.ts'),
  journal: () => import('./commands/journal.ts'),
  project: () => import('./commands/project.ts'),
  config: () => import('./commands/config.ts'),
  store: () => import('./commands/store.ts'),
  doctor: () => import('./commands/doctor.ts'),
  engine: () => import('./commands/engine.ts'),
  version: () => import('./commands/version.ts'),
  completion: () => import('./commands/completion.ts'),
} as const satisfies Record<string, Loader>;

export type ModuleName = keyof typeof MODULES;

const NAMES: Readonly<Record<ModuleName, readonly string[]>> = {
  repo: ['create repo', 'update repo', 'inspect repo', 'list repo', 'delete repo', 'export repo'],
  branch: [
    'create branch',
    'set branch',
    'update branch',
    'inspect branch',
    'list branch',
    'merge branch',
    'delete branch',
  ],
  tag: ['create tag', 'set tag', 'inspect tag', 'list tag', 'delete tag'],
  commit: [
    'start commit',
    'finish commit',
    'inspect commit',
    'list commit',
    'find commit',
    'wait commit',
    'flush commit',
    'revert commit',
    'squash commit',
    'delete commit',
    'drop commit',
    'subscribe commit',
  ],
  file: [
    'put file',
    'get file',
    'inspect file',
    'list file',
    'glob file',
    'delete file',
    'copy file',
    'diff file',
  ],
  secret: [
    'create secret',
    'update secret',
    'inspect secret',
    'list secret',
    'delete secret',
    'secret export key',
    'export secret key',
    'secret import key',
    'import secret key',
  ],
  auth: [
    'auth create user',
    'auth create robot',
    'auth list user',
    'auth delete user',
    'auth create token',
    'auth create s3 key',
    'auth list token',
    'auth revoke token',
    'auth grant',
    'auth revoke',
    'auth get roles',
    'auth check',
    'auth whoami',
    'auth login',
    'auth logout',
  ],
  ui: ['ui'],
  git: ['git url', 'git credential'],
  s3: ['s3 env'],
  transaction: [
    'start transaction',
    'finish transaction',
    'inspect transaction',
    'list transaction',
    'delete transaction',
    'stop transaction',
    'resume transaction',
  ],
  pipeline: [
    'create pipeline',
    'update pipeline',
    'inspect pipeline',
    'list pipeline',
    'delete pipeline',
    'start pipeline',
    'rerun pipeline',
    'run cron',
    'stop pipeline',
  ],
  spec: ['validate pipeline', 'edit pipeline', 'extract pipeline'],
  draw: ['draw pipeline'],
  defaults: ['create defaults', 'update defaults', 'inspect defaults', 'delete defaults'],
  datum: ['list datum', 'inspect datum', 'restart datum'],
  'git-input': ['run git'],
  job: [
    'list job',
    'inspect job',
    'wait job',
    'flush job',
    'retry job',
    'subscribe job',
    'stop job',
  ],
  workbench: ['debug datum', 'run local', 'run datum'],
  why: ['why'],
  logs: ['logs', 'get logs'],
  provenance: ['provenance', 'inspect provenance'],
  upkeep: [
    'collect',
    'garbage collect',
    'list trash',
    'undelete repo',
    'undelete branch',
    'undelete commit',
    'du',
    'disk usage',
  ],
  journal: ['log'],
  project: [
    'create project',
    'update project',
    'inspect project',
    'list project',
    'delete project',
  ],
  config: ['config set', 'config get', 'config unset', 'config list'],
  store: ['fsck', 'mirror', 'mirror store'],
  doctor: ['doctor'],
  engine: ['engine start', 'engine stop', 'engine status', 'engine logs'],
  version: ['version'],
  completion: ['completion'],
};

/** Every name of every command, with the file that defines it. */
export const COMMAND_NAMES: ReadonlyMap<string, ModuleName> = new Map(
  (Object.keys(NAMES) as ModuleName[]).flatMap((module) =>
    NAMES[module].map((name) => [name, module] as const),
  ),
);

export interface FoundCommand {
  readonly module: ModuleName;
  readonly name: string;
  /** How many words its name took. */
  readonly words: number;
}

/** Finds the command that `words` begin with, in either spelling: `create repo` or `create-repo`; `repos` is `repo`. */
export function findCommand(words: readonly string[]): FoundCommand | undefined {
  const [first = '', second = '', third = '', fourth = ''] = words;
  const tries: readonly [string, number][] = [
    [`${first} ${second} ${third} ${fourth}`, 4],
    [`${first} ${second} ${third}`, 3],
    [`${first} ${second.replaceAll('-', ' ')}`, 2],
    [first.replaceAll('-', ' '), 1],
  ];
  for (const [text, count] of tries) {
    for (const name of [text, text.replace(/s$/, ''), text.replace(/ies$/, 'y')]) {
      const module = COMMAND_NAMES.get(name);
      if (module && name.split(' ').length >= count) {
        return { module, name, words: count };
      }
    }
  }
  return undefined;
}

/** Loads the commands of one file. */
export async function loadCommands(module: ModuleName): Promise<readonly Command[]> {
  return (await MODULES[module]()).commands;
}

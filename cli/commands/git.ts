// What Git needs to reach the engine: addresses of repos, and the token.

import { repoParams } from '../../client/params.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { parseRepoName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['git url'],
    summary: 'Print the address of a repo for Git',
    details:
      'The address is that of the engine as it runs now; PFS_LISTEN makes it stay the same. pfs git-credential hands Git the token.',
    usage: '<repo>',
    completes: 'repo',
    arguments: [1, 1],
    options: {},
    examples: [['git url training', 'prints http://127.0.0.1:…/git/default/training.git']],
    run: async (context, args) => {
      const repo = parseRepoName(args.positionals[0] ?? '', context.project);
      // Starts the engine where it must: only then there is an address.
      await context.client.call('GET /repos/{project}/{repo}', { params: repoParams(repo) });
      const base = `${context.client.address}/git`;
      await context.output.line(`${base}/${repo.project}/${repo.name}.git`);
    },
  },
  {
    names: ['git credential'],
    summary: 'Hand Git the token: a credential helper',
    details:
      "Set it up once with git config --global credential.helper '!pfs git-credential'. It answers for the engine's own address and is silent for any other.",
    usage: 'get | store | erase',
    arguments: [1, 1],
    options: {},
    examples: [
      [
        'git credential get',
        'reads what Git asks from standard input, and prints user name and token',
      ],
    ],
    run: async (context, args) => {
      const [verb] = args.positionals;
      if (verb !== 'get' && verb !== 'store' && verb !== 'erase') {
        throw usageError('Say what Git says: get, store or erase');
      }
      const asked = await readAll(context.stdin);
      const wanted = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(asked)?.[1];
      const base = context.addressOf();
      const address = new URL(base);
      const isOurs =
        `${wanted('protocol')}:` === address.protocol && wanted('host') === address.host;
      const token = context.tokenFor(base);
      if (verb === 'get' && isOurs && token !== undefined) {
        await context.output.line(`username=pfs\npassword=${token}`);
      }
    },
  },
];

async function readAll(input: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += chunk;
  }
  return text;
}

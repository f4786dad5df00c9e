// Commands on tags.

import { repoParams } from '../../client/params.ts';
import type { PutTag } from '../../engine/server/wire-versions.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { formatTime } from '../format.ts';
import { parseRepoName, parseTagWords, refWithin, showName } from '../refs.ts';

const TAG = '<repo@tag> | <repo> <tag>';

export const commands: readonly Command[] = [
  {
    names: ['create tag', 'set tag'],
    summary: 'Give a finished commit a lasting name',
    details:
      'A tag can stand wherever a branch or commit does, nothing can be committed to it, and pfs export-repo exports it as a tag of Git. It keeps its commit unless --force moves it.',
    usage: TAG,
    completes: 'repo',
    arguments: [1, 2],
    options: {
      head: {
        type: 'string',
        value: 'commit or branch',
        description: 'the commit to name, of the same repo',
      },
      message: {
        type: 'string',
        short: 'm',
        aliases: ['description'],
        value: 'text',
        description: 'what the tag is about',
      },
      force: { type: 'boolean', short: 'f', description: 'move a tag that names another commit' },
    },
    examples: [
      ['create tag model@v1.2 --head master', 'names what master shows now'],
      ['create-tag model v1.2 --head master^ --force', 'moves it to the commit before'],
    ],
    run: async (context, args) => {
      const { repo, tag } = parseTagWords(args.positionals, context.project);
      const head = args.string('head');
      if (head === undefined) {
        throw usageError(
          `Say which commit the tag names, as in pfs create tag ${showName(repo)}@${tag} --head master`,
        );
      }
      const description = args.string('message');
      const body: PutTag = {
        head: refWithin(head, repo),
        ...(description === undefined ? {} : { description }),
      };
      const made = await context.change('PUT /repos/{project}/{repo}/tags/{tag}', {
        params: { ...repoParams(repo), tag },
        body,
        query: { force: args.flag('force') },
      });
      if (context.output.raw) {
        await context.output.json(made);
      }
    },
  },
  {
    names: ['inspect tag'],
    summary: 'Show one tag',
    usage: TAG,
    completes: 'repo',
    arguments: [1, 2],
    options: {},
    examples: [['inspect tag model@v1.2', 'shows which commit it names']],
    run: async (context, args) => {
      const { repo, tag } = parseTagWords(args.positionals, context.project);
      const found = await context.client.call('GET /repos/{project}/{repo}/tags/{tag}', {
        params: { ...repoParams(repo), tag },
      });
      await context.output.fields(found, () => [
        ['Name', `${showName(found.repo)}@${found.name}`],
        ['Commit', found.commit],
        ['Description', found.description],
        ['Created', formatTime(found.created, context.output.times)],
      ]);
    },
  },
  {
    names: ['list tag'],
    summary: 'List the tags of a repo',
    usage: '<repo>',
    completes: 'repo',
    arguments: [1, 1],
    options: {},
    examples: [['list tag model', 'lists its tags and the commits they name']],
    run: async (context, args) => {
      const repo = parseRepoName(args.positionals[0] ?? '', context.project);
      const tags = context.client.items('GET /repos/{project}/{repo}/tags', {
        params: repoParams(repo),
      });
      await context.output.table(tags, {
        heading: ['TAG', 'COMMIT', 'CREATED', 'DESCRIPTION'],
        row: (tag) => [
          tag.name,
          tag.commit,
          formatTime(tag.created, context.output.times),
          tag.description,
        ],
      });
    },
  },
  {
    names: ['delete tag'],
    summary: 'Delete a tag; its commit stays',
    usage: TAG,
    completes: 'repo',
    arguments: [1, 2],
    options: {},
    examples: [['delete tag model@v1.2', 'deletes it']],
    run: async (context, args) => {
      const { repo, tag } = parseTagWords(args.positionals, context.project);
      await context.change('DELETE /repos/{project}/{repo}/tags/{tag}', {
        params: { ...repoParams(repo), tag },
      });
    },
  },
];

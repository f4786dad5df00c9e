// The operations of tags.

import { page } from '../wire-schema.ts';
import { PutTag, Tag } from '../wire-versions.ts';
import { flag, operations, PAGED, query } from './operation.ts';

export const TAG_OPERATIONS = operations({
  'GET /repos/{project}/{repo}/tags': {
    id: 'listTags',
    tag: 'repos',
    summary: 'Lists the tags of a repo.',
    query: query(PAGED),
    answer: page(Tag),
    example: {},
  },
  'PUT /repos/{project}/{repo}/tags/{tag}': {
    id: 'putTag',
    tag: 'repos',
    summary: 'Makes a tag.',
    inTransaction: true,
    query: query({ force: flag('Moves one that is there.') }),
    body: PutTag,
    answer: Tag,
    example: { params: { tag: 'v2' }, body: { head: 'master', description: 'As shown' } },
  },
  'GET /repos/{project}/{repo}/tags/{tag}': {
    id: 'getTag',
    tag: 'repos',
    summary: 'Returns a tag.',
    answer: Tag,
    example: {},
  },
  'DELETE /repos/{project}/{repo}/tags/{tag}': {
    id: 'deleteTag',
    tag: 'repos',
    summary: 'Deletes a tag.',
    inTransaction: true,
    status: 204,
    example: {},
  },
});

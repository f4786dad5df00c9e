// The operations of work on one datum by hand: sessions, of which each is one request.

import { SESSION_TYPE } from '../wire-workbench.ts';
import { EXAMPLE_SPEC } from './example-values.ts';
import { operations } from './operation.ts';

const SESSION =
  'What is sent and what is told go on side by side as messages: `kind(u8) length(u32, big-endian) data`. The first that is sent is the request, as JSON. The session ends with the connection, and nothing of it is recorded.';

export const WORKBENCH_OPERATIONS = operations({
  'POST /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}/debug': {
    id: 'debugDatum',
    tag: 'workbench',
    summary: 'Opens a shell, or runs a command, where a datum ran.',
    description: SESSION,
    isOnce: false,
    streams: [SESSION_TYPE],
    bytes: SESSION_TYPE,
    example: { body: { command: ['ls', '/pfs'] } },
  },
  'POST /workbench': {
    id: 'runLocal',
    tag: 'workbench',
    summary: 'Runs one datum of a spec, perhaps with directories of the client.',
    description: SESSION,
    isOnce: false,
    streams: [SESSION_TYPE],
    bytes: SESSION_TYPE,
    example: {
      body: {
        spec: EXAMPLE_SPEC,
        file: 'sizes.yaml',
        project: 'default',
        mounts: [],
        output: false,
      },
    },
  },
});

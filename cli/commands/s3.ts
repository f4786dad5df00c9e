// What clients of S3 need to reach the engine.

import { CliError } from '../cli-error.ts';
import type { Command } from '../command.ts';

export const commands: readonly Command[] = [
  {
    names: ['s3 env'],
    summary: 'Print what clients of S3 want in their environment',
    details:
      'Buckets are named <branch>.<repo>, or <branch>.<repo>.<project>; a tag or the id of a commit may stand for the branch. Use the addresses with the bucket in the path.',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [
      [
        's3 env',
        'prints AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION',
      ],
    ],
    run: async (context) => {
      // Starts the engine where it must: only then there is an address.
      await context.client.call('GET /engine');
      const { client, home } = context;
      const record = home.engine();
      // The door's address and its key are known of this home's own engine alone.
      if (record?.address !== client.address) {
        throw new CliError(
          'failed_precondition',
          `Cannot say where S3 is: the engine at ${client.address} is not the one of ${home.folder}; run this where that engine runs`,
        );
      }
      const token = home.token();
      if (record.s3 === undefined || token === undefined) {
        throw new CliError(
          'failed_precondition',
          'Cannot say where S3 is: the engine was started with PFS_S3_LISTEN=off; start it again without that',
        );
      }
      const values = {
        AWS_ENDPOINT_URL: record.s3,
        AWS_ACCESS_KEY_ID: 'pfs',
        AWS_SECRET_ACCESS_KEY: token,
        AWS_REGION: 'us-east-1',
      };
      const lines = Object.entries(values).map(([name, value]) => `export ${name}='${value}'`);
      await context.output.line(lines.join('\n'));
    },
  },
];

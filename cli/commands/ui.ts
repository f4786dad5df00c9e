// The command that opens the page of the engine, signed in.

import { spawn } from 'node:child_process';
import type { Command } from '../command.ts';

export const commands: readonly Command[] = [
  {
    names: ['ui'],
    summary: 'Open the page of the engine in a browser, signed in',
    details:
      'The address holds a code that is good once, for a minute; it is never sent as part of an address.',
    usage: '',
    arguments: [0, 0],
    options: {
      open: { type: 'boolean', description: 'open a browser; --no-open only prints the address' },
    },
    examples: [
      ['ui', 'opens it'],
      ['ui --no-open', 'prints the address, for a browser elsewhere'],
    ],
    run: async (context, args) => {
      const { client, output } = context;
      const { code, expires } = await client.call('POST /session/codes');
      const address = `${client.address}/#code=${code}`;
      await (output.raw ? output.json({ address, expires }) : output.line(address));
      if (!args.denied('open') && output.terminal) {
        open(address);
      }
    },
  },
];

/** Asks the desktop to show an address; where there is none, what was printed has to do. */
function open(address: string): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  spawn(program, [address], { stdio: 'ignore', detached: true })
    .once('error', () => undefined)
    .unref();
}

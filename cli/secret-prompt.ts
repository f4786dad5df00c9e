// Reads what nobody may see: from standard input, or from a terminal that does not show it.

import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Context } from './context.ts';

/** Asks for a secret in one line; a terminal shows the question and not the answer. */
export async function askSecret(context: Context, question: string): Promise<string> {
  const { stdin, output } = context;
  const isTerminal = stdin.isTTY === true;
  if (isTerminal) {
    output.stderr.write(`${question}: `);
    echo('-echo');
  }
  try {
    for await (const line of createInterface({ input: stdin })) {
      return line.trim();
    }
    return '';
  } finally {
    if (isTerminal) {
      echo('echo');
      output.stderr.write('\n');
    }
  }
}

function echo(mode: 'echo' | '-echo'): void {
  execFileSync('stty', [mode], { stdio: ['inherit', 'ignore', 'ignore'] });
}

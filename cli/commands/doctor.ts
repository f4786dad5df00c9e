// What keeps pfs from working well on this machine, and what to do about it.

import type { DoctorCheck } from '../../engine/server/wire-store.ts';
import { CliError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { examineClient } from '../examine.ts';

export const commands: readonly Command[] = [
  {
    names: ['doctor'],
    summary: 'Look for what keeps pfs from working well, and say what to do',
    details:
      'It looks at this machine (versions, permissions, Git) and, through the engine, at the store, Docker, clocks and free space. It ends with code 1 where something is wrong.',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [
      ['doctor', 'shows every check, and a remedy for what is wrong'],
      ['doctor --raw', 'prints them as JSON, one a line'],
    ],
    run: examine,
  },
];

async function examine(context: Context): Promise<void> {
  const { output } = context;
  const checks = [...(await examineClient(context)), ...(await askEngine(context))];
  await output.table(checks, {
    heading: ['STATE', 'CHECK', 'FOUND'],
    row: ({ state, name, detail, remedy }) => [
      state,
      name,
      remedy === '' ? detail : `${detail}: ${remedy}`,
    ],
  });
  const problems = checks.filter(({ state }) => state === 'problem');
  if (problems.length > 0) {
    const names = problems.map(({ name }) => name).join(', ');
    throw new CliError('failed_check', `Something is wrong with: ${names}`);
  }
}

/** An engine that can't be reached is a finding, not a failure: the others are still worth knowing. */
async function askEngine(context: Context): Promise<readonly DoctorCheck[]> {
  try {
    const { checks } = await context.client.call('GET /store/doctor');
    return [{ name: 'engine', state: 'ok', detail: context.client.address, remedy: '' }, ...checks];
  } catch (error) {
    if (!(error instanceof CliError) || error.code === 'interrupted') {
      throw error;
    }
    return [
      { name: 'engine', state: 'problem', detail: error.message, remedy: 'see pfs engine logs' },
    ];
  }
}

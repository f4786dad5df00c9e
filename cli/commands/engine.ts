// Commands on the engine itself.

import { resolve } from 'node:path';
import type { ParsedArguments } from '../arguments.ts';
import { CliError, fileError, usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { type Context, isLocal } from '../context.ts';
import { formatTime } from '../format.ts';

export const commands: readonly Command[] = [
  {
    names: ['engine start'],
    summary: 'Start the engine of this user on this machine',
    details:
      'Any other command starts it by itself when it is needed. The store is chosen once: the first start remembers it.',
    usage: '',
    arguments: [0, 0],
    options: {
      store: {
        type: 'string',
        value: 'url',
        description:
          'file:///folder or s3://bucket/prefix?endpoint=…; by default a folder below PFS_HOME',
      },
      executor: {
        type: 'string',
        value: 'kind',
        description:
          'docker, or process where Docker can’t be had: commands then run with the programs of this machine, images are ignored, and code sees your files, read-only',
      },
      'tls-cert': {
        type: 'string',
        value: 'path',
        completes: 'file',
        description:
          'speak TLS with this certificate (PEM, with those in between); read anew when it changes',
      },
      'tls-key': { type: 'string', value: 'path', completes: 'file', description: 'its key' },
      'insecure-listen': {
        type: 'boolean',
        description: 'let other machines reach it (PFS_LISTEN) without users or without TLS',
      },
      'trust-proxy': {
        type: 'string',
        value: 'addresses',
        description:
          'believe these proxies (addresses or networks, with commas between) who asks, and whether over TLS',
      },
      foreground: {
        type: 'boolean',
        description: 'run here until Ctrl-C, with its log on the terminal',
      },
    },
    examples: [
      ['engine start', 'starts it in the background'],
      [
        'engine start --store "s3://data/pfs?endpoint=http://127.0.0.1:9000"',
        'keeps all data in a bucket',
      ],
      ['engine start --executor process', 'runs commands without Docker'],
      ['engine start --foreground', 'runs it here'],
    ],
    run: async (context, args) => {
      const { runEngine, startEngine } = await import('../engine-process.ts');
      const { home, env, signal, output } = context;
      const executor = executorOf(args);
      const options = {
        home,
        env: { ...env, ...listeningEnv(args) },
        signal,
        store: args.string('store'),
        executor,
      };
      if (args.flag('foreground')) {
        const code = await runEngine(options);
        if (code !== 0) {
          throw new CliError(
            code === 130 ? 'interrupted' : 'unreachable',
            `The engine ended with code ${code}`,
          );
        }
        return;
      }
      const engine = await startEngine(options);
      if (executor !== undefined) {
        const { executor: runs } = await context.client.call('GET /engine');
        if (runs.kind !== executor) {
          throw new CliError(
            'failed_precondition',
            `Cannot start the engine with --executor ${executor}: it runs already, with ${runs.kind}; pfs engine stop first`,
          );
        }
        if (executor === 'process') {
          for (const note of runs.notes) {
            output.note(note);
          }
        }
      }
      await (output.raw
        ? output.json(engine)
        : output.line(
            `The engine listens at ${engine.address} (process ${engine.pid}, store ${engine.store})`,
          ));
    },
  },
  {
    names: ['engine stop'],
    summary: 'Stop the engine, once what it does is safe',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['engine stop', 'stops it; jobs go on at the next start']],
    run: stopEngine,
  },
  {
    names: ['engine status'],
    summary: 'Show whether the engine runs, and what it does',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['engine status', 'ends with code 5 where none runs']],
    run: async (context) => {
      const client = context.connect({ start: false });
      const status = await client.call('GET /engine');
      await context.output.fields(status, () => [
        ['Address', client.address],
        ['Version', status.version],
        ['Process', String(status.pid)],
        ['Store', status.store],
        ['Started', formatTime(status.started, context.output.times)],
        ['Journal entry', String(status.sequence)],
        ['Running jobs', String(status.runningJobs)],
        ['Executor', `${status.executor.kind}, ${status.executor.ok ? 'ready' : 'not ready'}`],
        ['Notes', status.executor.notes.join('\n')],
        ['Log', isLocal(client.address) ? context.home.logFile : undefined],
      ]);
      client.close();
    },
  },
  {
    names: ['engine logs'],
    summary: 'Print the log of the local engine',
    details: 'A line for each entry; --raw prints them as they are kept, with every detail.',
    usage: '',
    arguments: [0, 0],
    options: {
      follow: { type: 'boolean', short: 'f', description: 'go on with what is written from now' },
      tail: {
        type: 'number',
        short: 't',
        value: 'count',
        description: 'only this many of the last lines',
      },
    },
    examples: [
      ['engine logs -t 50', 'prints the last 50 lines'],
      ['engine logs -f', 'goes on until Ctrl-C'],
    ],
    run: async (context, args) => {
      const { readableLog } = await import('../log-view.ts');
      const { tailFile } = await import('../tail-file.ts');
      const { logFile } = context.home;
      try {
        const lines = tailFile(logFile, {
          follow: args.flag('follow'),
          signal: context.signal,
          ...(args.number('tail') === undefined ? {} : { last: args.number('tail') ?? 0 }),
        });
        const { raw } = context.output;
        for await (const chunk of raw ? lines : readableLog(lines)) {
          await context.output.write(chunk);
        }
      } catch (error) {
        throw fileError(`read the log "${logFile}"`, error);
      }
    },
  },
];

/** What the options say of how it listens, as the settings of the engine. */
function listeningEnv(args: ParsedArguments): Record<string, string> {
  const [cert, key] = [args.string('tls-cert'), args.string('tls-key')];
  const proxies = args.string('trust-proxy');
  if ((cert === undefined) !== (key === undefined)) {
    throw usageError('Give --tls-cert and --tls-key together');
  }
  return {
    ...(cert === undefined || key === undefined
      ? {}
      : { PFS_TLS_CERT: resolve(cert), PFS_TLS_KEY: resolve(key) }),
    ...(args.flag('insecure-listen') ? { PFS_INSECURE_LISTEN: '1' } : {}),
    ...(proxies === undefined ? {} : { PFS_TRUST_PROXY: proxies }),
  };
}

function executorOf(args: ParsedArguments): 'docker' | 'process' | undefined {
  const executor = args.string('executor');
  if (executor === undefined || executor === 'docker' || executor === 'process') {
    return executor;
  }
  throw usageError(`There is no executor "${executor}"; choose docker or process`);
}

async function stopEngine(context: Context): Promise<void> {
  const { findRunning } = await import('../engine-process.ts');
  const { waitForEnd } = await import('../process-life.ts');
  const { output } = context;
  const client = context.connect({ start: false });
  const record = await findRunning(context.home);
  if (!record && !context.env.PFS_ADDRESS) {
    output.note('No engine is running');
    return;
  }
  await client.call('POST /engine/stop');
  client.close();
  if (record && record.address === client.address) {
    const forced = await waitForEnd(record.pid);
    if (forced) {
      output.note(
        'The engine did not end by itself and was killed; nothing that was acknowledged is lost, and jobs go on at the next start',
      );
    }
  }
}

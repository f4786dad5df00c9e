// `npm run demo`: a real model is trained from committed data by a pipeline, then again from more data, with the
// provenance of both. Everything happens in a temporary folder and is gone afterwards.
//
//   npm run demo -- --store 's3://bucket/prefix?endpoint=http://127.0.0.1:9000'   the same on another store

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DemoSession, Interrupted } from './demo/session.mjs';
import { root } from './setup/paths.mjs';
import { complain, duration, SetupError, styled } from './setup/say.mjs';
import { ensureContainers, ensureProgram } from './setup/setup.mjs';

const data = 'pipelines/iris/data';

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(error);
  process.exitCode = 1;
}

async function main(args) {
  const store = storeOf(args);
  const started = performance.now();
  await ensureProgram();
  await ensureContainers();
  const ready = performance.now();
  const session = new DemoSession();
  const interrupt = (signal) => session.interrupt(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, interrupt);
  }
  try {
    await show(session, store);
    tell(`That was all of it, in ${duration(performance.now() - ready)}.`);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      return 130;
    }
    const log = session.engineLog();
    if (log) {
      tell(`The engine's log ends like this:\n${log}`);
    }
    throw error;
  } finally {
    await session.end();
    const total = duration(performance.now() - started);
    tell(
      `The engine is stopped and its folder removed. Set-up, demo and cleaning up took ${total}.`,
    );
  }
}

function storeOf(args) {
  const [first = '', second, ...rest] = args;
  if (args.length === 0) {
    return undefined;
  }
  if (first === '--store' && second && rest.length === 0) {
    return second;
  }
  if (first.startsWith('--store=') && args.length === 1) {
    return first.slice('--store='.length);
  }
  throw new SetupError('Cannot start the demo: its only option is --store <url>');
}

async function show(session, store) {
  if (store) {
    tell('The engine keeps everything it knows in one place: here, the store you named.');
    await session.pfs('engine', 'start', '--store', store);
  }
  tell('A repo holds versioned data. Into this one goes a table of 150 iris flowers.');
  await session.pfs('create-repo', 'training');
  await session.pfs('put-file', 'training', 'master', '-c', '-f', `${data}/iris.csv`);

  tell('A pipeline is an image, a command and the data it reads:');
  process.stdout.write(indented(readFileSync(`${root}/pipelines/iris/model.json`, 'utf8')));
  await session.pfs('create-pipeline', 'pipelines/iris/model.json');
  tell('That alone started a job, since there is data already.');
  const first = await training(session);

  tell('Now thirty more flowers are committed. Nobody starts anything: the commit does.');
  const more = ['-c', '--append', '-f', `${data}/more-rows.csv`];
  await session.pfs('put-file', 'training', 'master', 'iris.csv', ...more);
  const second = await training(session);

  tell('Both models are there, each in a commit of its own; master^ is the one before master:');
  await session.pfs('list-commit', 'model');
  await compare(session, [first, second]);

  tell('And where did they come from? The first:');
  await session.pfs('provenance', 'model@master^:/model.pkl');
  tell('The second:');
  await session.pfs('provenance', 'model@master:/model.pkl');
}

/** Waits for the newest job of the pipeline; returns the accuracy that its code printed. */
async function training(session) {
  await session.pfs('wait', 'job', 'model');
  const logs = await session.ask('logs', '--job', 'model@master');
  process.stdout.write(logs);
  const accuracy = logs.match(/accuracy (\d\.\d+)/)?.[1];
  if (accuracy === undefined) {
    throw new SetupError('the training code logged no accuracy');
  }
  tell(`The training code reports an accuracy of ${styled('32', accuracy)}. Its model:`);
  await session.pfs('list-file', 'model@master');
  return accuracy;
}

async function compare(session, accuracies) {
  const hashes = [];
  for (const [name, commit] of Object.entries({ first: 'master^', second: 'master' })) {
    const file = session.file(`${name}.pkl`);
    await session.pfs('get-file', `model@${commit}:/model.pkl`, '-o', file);
    hashes.push(createHash('sha256').update(readFileSync(file)).digest('hex'));
  }
  if (hashes[0] === hashes[1]) {
    throw new SetupError('the second model is the same as the first, although its data is not');
  }
  tell(
    [
      'A new model was made:',
      `  first   sha256 ${hashes[0].slice(0, 16)}…  accuracy ${accuracies[0]}`,
      `  second  sha256 ${hashes[1].slice(0, 16)}…  accuracy ${accuracies[1]}`,
    ].join('\n'),
  );
}

function tell(text) {
  process.stdout.write(`\n${styled('36', text)}\n`);
}

function indented(text) {
  return text.replace(/^(?=.)/gm, '  ');
}

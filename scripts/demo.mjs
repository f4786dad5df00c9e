// `npm run demo`: a real model is trained from committed data by a pipeline, then again from more data, with the
// provenance of both. Everything happens in a temporary folder and is gone afterwards.
//
//   npm run demo -- --store 's3://bucket/prefix?endpoint=http://127.0.0.1:9000'   the same on another store

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DemoSession, Interrupted } from './demo/session.mjs';
import { lackingForProcesses, specWithoutImage } from './demo/without-docker.mjs';
import { ensureDocker } from './setup/docker.mjs';
import { ensureExampleImages } from './setup/example-images.mjs';
import { root } from './setup/paths.mjs';
import { complain, duration, SetupError, styled } from './setup/say.mjs';
import { ensureProgram } from './setup/setup.mjs';

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
  const lacking = await provideContainers();
  const ready = performance.now();
  const session = new DemoSession();
  const interrupt = (signal) => session.interrupt(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, interrupt);
  }
  try {
    await show(session, { store, lacking });
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

/** Returns why there is no Docker where the demo can go on without it; undefined where there is. */
async function provideContainers() {
  try {
    await ensureDocker();
  } catch (error) {
    const missing = error instanceof SetupError ? await lackingForProcesses() : '';
    if (missing === undefined) {
      return error.message;
    }
    throw missing === ''
      ? error
      : new SetupError(`${error.message}. The demo could do without Docker, but ${missing}`);
  }
  await ensureExampleImages();
  return undefined;
}

async function show(session, { store, lacking }) {
  const options = [
    ...(store ? ['--store', store] : []),
    ...(lacking ? ['--executor', 'process'] : []),
  ];
  if (store) {
    tell('The engine keeps everything it knows in one place: here, the store you named.');
  }
  if (lacking) {
    tell(
      `${lacking}.\nThe demo goes on without Docker: the training code runs with the python3 of this machine, and the image is ignored.`,
    );
  }
  if (options.length > 0) {
    await session.pfs('engine', 'start', ...options);
  }
  tell('A repo holds versioned data. Into this one goes a table of 150 iris flowers.');
  await session.pfs('create-repo', 'training');
  await session.pfs('put-file', 'training', 'master', '-c', '-f', `${data}/iris.csv`);

  tell('A pipeline is an image, a command and the data it reads:');
  const example = 'pipelines/iris/model.json';
  const spec = lacking
    ? specWithoutImage(session)
    : { path: example, text: readFileSync(`${root}/${example}`, 'utf8') };
  process.stdout.write(indented(spec.text));
  await session.pfs('create-pipeline', spec.path);
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

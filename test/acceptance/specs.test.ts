import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import type { Job, Pipeline } from '../../engine/server/wire.ts';
import { images, PipelineHome } from './pipeline-home.ts';

describe('specs and lists, from the command line', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());

  it('validate-pipeline needs no engine and starts none, and with one looks at repos and pipelines; it makes nothing', async () => {
    const good = home.file(
      home.spec({ name: 'copy', input: 'data', sh: 'cp $data /pfs/out' }),
      'good.json',
    );
    const bad = home.file(home.spec({ name: 'copy', input: 'data', datum_tries: -1 }), 'bad.json');
    const offline = await home.run(['validate-pipeline', good]);
    assert.deepEqual(
      [offline.code, offline.stdout],
      [0, 'Pipeline "copy" is valid\n'],
      offline.stderr,
    );
    assert.match(
      offline.stderr,
      /No engine was asked: repos, other pipelines and defaults were not/,
    );
    assert.equal(existsSync(home.path('home')), false, 'nothing was begun');
    const wrong = await home.run(['validate', 'pipeline', '-f', bad]);
    assert.deepEqual(
      [wrong.code, /bad\.json:\d+:\d+: datum_tries: /.test(wrong.stderr)],
      [2, true],
      wrong.stderr,
    );

    await home.pfs('list-repo');
    const missing = await home.run(['validate-pipeline', good]);
    assert.deepEqual(
      [missing.code, /good\.json:\d+:\d+: input\.pfs\.repo.*data/.test(missing.stderr)],
      [2, true],
      missing.stderr,
    );
    assert.equal(
      await home.pfs('validate-pipeline', '--offline', good),
      'Pipeline "copy" is valid\n',
    );
    await home.repo('data', { a: '1' });
    assert.equal(
      await home.pfs('validate-pipeline', good),
      'Pipeline "copy" is valid; it would be made\n',
    );
    await home.pfs('create-pipeline', good);
    assert.equal(
      await home.pfs('validate-pipeline', good),
      'Pipeline "copy" is valid; it would be changed, to version 2\n',
    );
    assert.equal((await home.done('copy')).version, 1);
  });

  it('edit-pipeline opens the spec as written, again with what is wrong above it, and loses nothing', async () => {
    // An editor that plays the scripts of a folder, one each time, and keeps what it was shown.
    const editor = home.file(
      [
        '#!/bin/sh',
        'cd "$(dirname "$0")"; n=$(cat turn 2>/dev/null || echo 1); echo $((n + 1)) > turn',
        'cp "$1" "shown-$n"; echo "$1" > path; [ -e "edit-$n" ] && sed -i "$(cat edit-$n)" "$1"; exit 0',
      ].join('\n'),
      'editor.sh',
    );
    chmodSync(editor, 0o755);
    const shown = (n: number) => readFileSync(home.path(`shown-${n}`), 'utf8');
    const env = { EDITOR: editor, VISUAL: undefined, TMPDIR: home.folder };
    const original = home.spec({ name: 'copy', input: 'data', sh: 'cp $data /pfs/out' });
    const play = (...edits: string[]) => {
      writeFileSync(home.path('turn'), '1');
      edits.forEach((edit, n) => void writeFileSync(home.path(`edit-${n + 1}`), edit));
    };

    play('s/cp .data/cp -v $data/;s/"input"/"inptu"/', 's/"inptu"/"input"/');
    const edited = await home.run(['edit-pipeline', 'copy'], { env });
    assert.equal(edited.code, 0, edited.stderr);
    assert.equal(shown(1).trim(), original.trim());
    const line =
      shown(2)
        .split('\n')
        .findIndex((text) => text.includes('"inptu"')) + 1;
    assert.match(
      shown(2),
      new RegExp(`^# pfs: .*\n(# pfs: .*\n)*# pfs:   copy:${line}:\\d+: inptu: `, 'm'),
    );
    const changed = await home.inspect<Pipeline>('inspect-pipeline', 'copy');
    assert.equal(changed.version, 2);
    assert.equal(changed.userSpec.trim(), original.trim().replace('cp $data', 'cp -v $data'));

    play('', '');
    const same = await home.run(['edit', 'pipeline', 'copy'], { env });
    assert.deepEqual([same.code, /Nothing was changed/.test(same.stderr)], [0, true]);
    play('s/"copy"/"other"/', '');
    const renamed = await home.run(['edit-pipeline', 'copy'], { env });
    assert.deepEqual(
      [renamed.code, /is of other and not of copy alone/.test(renamed.stderr)],
      [2, true],
      renamed.stderr,
    );
    const kept = /What you wrote is kept in (\S+)/.exec(renamed.stderr)?.[1] ?? '';
    assert.match(readFileSync(kept, 'utf8'), /"other"/);
    assert.equal((await home.inspect<Pipeline>('inspect-pipeline', 'copy')).version, 2);
    const failing = await home.run(['edit-pipeline', 'copy', '--editor', 'false'], { env });
    assert.deepEqual(
      [failing.code, /the editor "false" ended with 1/.test(failing.stderr)],
      [1, true],
    );
  });

  it('earlier versions are there to be looked at, by ^ and by number', async () => {
    const spec = async (...words: string[]) =>
      JSON.parse(await home.pfs('inspect-pipeline', ...words, '--spec')).transform.cmd[2];
    assert.deepEqual(
      [await spec('copy'), await spec('copy^'), await spec('copy', '--version', '1')],
      ['cp -v $data /pfs/out', 'cp $data /pfs/out', 'cp $data /pfs/out'],
    );
    const none = await home.run(['inspect-pipeline', 'copy^2']);
    assert.deepEqual([none.code, /it has versions 1 to 2/.test(none.stderr)], [3, true]);
    const all = (await home.raw('list-pipeline', '--history', 'all')) as unknown as Pipeline[];
    assert.deepEqual(
      all.map(({ name, version, current }) => [name, version, current]),
      [
        ['copy', 2, true],
        ['copy', 1, false],
      ],
    );
    assert.match(await home.pfs('list-pipeline', '--history', '1'), /copy +1 .* replaced/);
    const input = await home.pfs('inspect-pipeline', 'copy^', '--spec');
    assert.equal((await home.run(['update-pipeline', '-f', '-'], { input })).code, 0);
    assert.deepEqual(
      [await spec('copy'), await spec('copy~')],
      ['cp $data /pfs/out', 'cp -v $data /pfs/out'],
    );
    await home.repo('other');
    await home.create({ name: 'paused', input: 'other', sh: 'true' });
    await home.pfs('stop-pipeline', 'paused');
    const named = async (...args: string[]) =>
      (await home.raw('list-pipeline', ...args)).map(({ name }) => name);
    assert.deepEqual(await named('--state', 'paused'), ['paused']);
    assert.deepEqual(await named('--state', 'running', '--state', 'paused'), ['copy', 'paused']);
    assert.match(
      (await home.run(['list-pipeline', '--state', 'gone'])).stderr,
      /the states are starting, running/,
    );
  });

  it('what extract-pipeline prints makes the same pipeline again', async () => {
    await home.create({
      name: 'full',
      input: {
        cross: [
          { pfs: { repo: 'data', glob: '/(*)', name: 'in', empty_files: true } },
          { pfs: { repo: 'other', glob: '/', trigger: { commits: 2 } } },
        ],
      },
      sh: 'true',
      transform: { env: { A: 'b' }, accept_return_code: [3], err_cmd: ['true'] },
      resource_limits: { memory: '64Mi', cpu: '500m' },
      metadata: { labels: { team: 'x' } },
      datum_timeout: '1h',
    });
    const before = await home.inspect<Pipeline>('inspect-pipeline', 'full');
    const text = await home.pfs('extract-pipeline', 'full', 'copy');
    await home.pfs('delete-pipeline', 'full');
    await home.pfs('delete', 'pipeline', 'copy');
    const put = await home.run(['create-pipeline', '-f', '-'], { input: text });
    assert.deepEqual([put.code, put.stderr], [0, '']);
    assert.deepEqual((await home.inspect<Pipeline>('inspect-pipeline', 'full')).spec, before.spec);
    const all = await home.pfs('extract-pipeline', '--raw');
    assert.equal(all.trim().split('\n').length, 3);
  });

  it('list-job narrows by state, input, version and time, and subscribe follows jobs and commits live', async () => {
    await home.repo('flow', { a: 'x' });
    await home.create({
      name: 'first',
      input: 'flow',
      sh: 'grep -q x $flow && cp $flow /pfs/out',
      datum_tries: 1,
    });
    await home.create({ name: 'second', input: 'first', sh: 'cp $first /pfs/out' });
    await home.done('second');
    const { id: before } = await home.commit('flow');
    const seen: string[] = [];
    const jobs = home.lines('subscribe-job', 'second', '--new', '--raw');
    const commits = home.lines('subscribe', 'commit', 'first@master', '--new', '--raw');
    const next = Promise.all([jobs.next(), commits.next()]);
    // Nobody is told when the engine has begun to tell: commits until it does.
    let isHeard = false;
    void next.then(() => {
      isHeard = true;
    });
    for (let n = 0; !isHeard; n++) {
      await home.put('flow', { [`n${n}`]: 'x' });
      await home.done('second');
    }
    const [job, commit] = await next;
    assert.equal(JSON.parse(String(job.value)).pipeline, 'second');
    assert.equal(JSON.parse(String(commit.value)).state, 'finished');
    for await (const line of jobs) {
      const { state } = JSON.parse(line) as Job;
      seen.push(state);
      if (state === 'success') {
        break;
      }
    }
    assert.equal(seen.at(-1), 'success');
    await commits.return(undefined);

    await home.put('flow', { bad: 'y' });
    assert.equal((await home.done('second')).state, 'unrunnable');
    const list = async (...args: string[]) =>
      ((await home.raw('list-job', ...args)) as unknown as Job[]).map(
        ({ pipeline, state }) => `${pipeline} ${state}`,
      );
    assert.deepEqual(await list('--state', 'failure', '--state', 'unrunnable'), [
      'second unrunnable',
      'first failure',
    ]);
    assert.deepEqual(await list('-i', `flow@${before}`), ['first success']);
    assert.deepEqual(await list('-p', 'first', '--version', '2'), []);
    assert.deepEqual(await list('-p', 'first', '--state', 'failure', '--since', '1h'), [
      'first failure',
    ]);
    assert.deepEqual(await list('-p', 'first', '--since', '0'), []);
  });

  it('draw-pipeline shows what reads what within 80 columns, and how far a commit set is', async () => {
    await home.create({
      name: 'both',
      input: { cross: ['first', 'second'].map((repo) => ({ pfs: { repo, glob: '/' } })) },
      sh: 'true',
    });
    await home.done('both');
    const drawn = await home.pfs('draw-pipeline', 'both');
    assert.deepEqual(
      drawn.split('\n').map((line) => line.replace(/ {2,}\S.*$/, '').trimEnd()),
      ['○', '│', '●', '│', '├─●', '│ │', '●─┘', ''],
    );
    assert.match(drawn, /^● {2,}first +running +last job failure$/m);
    const whole = await home.pfs('draw', 'pipeline');
    assert.ok(
      whole.split('\n').every((line) => line.length <= 80),
      whole,
    );
    for (const name of ['data', 'other', 'copy', 'full', 'paused', 'flow', 'second', 'both']) {
      assert.match(whole, new RegExp(`[○●].* ${name}( |$)`, 'm'));
    }
    const { id } = await home.commit('flow@master');
    const set = await home.pfs('draw-pipeline', id);
    assert.match(set, /first +failure +0 \+ \d+ \/ \d+, 1 failed/);
    assert.match(set, /second +unrunnable/);
    assert.equal((await home.run(['draw-pipeline', 'nothing'])).code, 3);
  });
});

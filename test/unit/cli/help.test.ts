import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseArguments } from '../../../cli/arguments.ts';
import type { Command } from '../../../cli/command.ts';
import { completionScript, SHELLS } from '../../../cli/completion-scripts.ts';
import { EXIT_CODES } from '../../../cli/exit-codes.ts';
import { editDistance } from '../../../cli/nearest.ts';
import {
  COMMAND_NAMES,
  findCommand,
  loadCommands,
  MODULES,
  type ModuleName,
} from '../../../cli/registry.ts';
import { FakeEngine, runCli } from './fake-engine.ts';

const modules = Object.keys(MODULES) as ModuleName[];
const all = new Map<Command, ModuleName>();
for (const module of modules) {
  for (const command of await loadCommands(module)) {
    all.set(command, module);
  }
}

describe('the registry', () => {
  it('knows every name that the commands define, in the right file, and no other', () => {
    const defined = [...all].flatMap(([{ names }, module]) => names.map((name) => [name, module]));
    assert.deepEqual(new Map(defined as [string, ModuleName][]), new Map(COMMAND_NAMES));
  });

  it('knows every file of commands/', () => {
    const files = readdirSync('cli/commands').map((file) => file.replace('.ts', ''));
    assert.deepEqual(files.sort(), [...modules].sort());
  });
});

describe('every command', () => {
  for (const [command] of all) {
    const [name] = command.names;
    it(`${name}: its help has a summary, the options, and examples that can be run`, async () => {
      for (const spelling of [name.split(' '), [name.replaceAll(' ', '-')]]) {
        const { code, stdout, stderr } = await runCli([...spelling, '--help']);
        assert.equal(code, 0);
        assert.equal(stderr, '');
        assert.ok(stdout.includes(command.summary.slice(0, 40)));
        assert.ok(command.examples.length > 0);
        for (const [line] of command.examples) {
          assert.ok(stdout.includes(`pfs ${line}`), line);
        }
        for (const [option, { hidden }] of Object.entries(command.options)) {
          assert.equal(stdout.includes(`--${option}`), !hidden, option);
        }
      }
      for (const [line] of command.examples) {
        const words = line.split(/ (?:[|<>]) /)[0]?.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
        const found = findCommand(words);
        assert.ok(found && command.names.includes(found.name), line);
        const args = parseArguments(words.slice(found.words), command.options);
        const [least, most] = command.arguments;
        assert.ok(args.positionals.length >= least && args.positionals.length <= most, line);
      }
    });
  }
});

describe('help', () => {
  it('lists every command, the exit codes and the environment', async () => {
    for (const argv of [['--help'], ['help'], [], ['-h']]) {
      const { code, stdout } = await runCli(argv);
      assert.equal(code, 0);
      for (const [command] of all) {
        assert.ok(stdout.includes(`pfs ${command.names[0]} `), command.names[0]);
      }
      for (const { exit, meaning } of EXIT_CODES) {
        assert.ok(stdout.includes(`  ${String(exit).padEnd(5)}${meaning}`), meaning);
      }
      assert.match(stdout, /PFS_HOME/);
    }
  });

  it('of a verb or a noun lists what there is for it', async () => {
    const { stdout } = await runCli(['help', 'pipeline']);
    assert.match(stdout, /pfs stop pipeline/);
    assert.doesNotMatch(stdout, /pfs create repo/);
    assert.equal((await runCli(['create'])).code, 2);
  });
});

describe('a mistyped word', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['creat-repo', 'x'], /did you mean pfs create-repo\?/],
    [['put', 'flie', 'x'], /did you mean pfs put file\?/],
    [['list', 'pipline'], /did you mean pfs list pipeline\?/],
    [['repo', 'list'], /did you mean pfs list repo\?/],
    [['verison'], /did you mean pfs version\?/],
    [['frobnicate'], /There is no command "frobnicate"; see pfs --help/],
    [['create', 'repo', 'x', '--desciption', 'd'], /did you mean --description\?/],
    [['put-file', 'x@b', '--recusrive'], /did you mean --recursive\?/],
    [['list-repo', '--qqq'], /Unknown option --qqq; see the options with --help/],
    [['list-repo', '-x'], /Unknown option -x/],
    [['create-repo'], /Something is missing: pfs create repo <repo>/],
    [['create-repo', 'a', 'b'], /"b" is one word too many/],
    [['list-job', '-n', 'many'], /whole number, not "many"/],
    [['list-job', '-n'], /needs a value/],
    [['list-repo', '--raw=maybe'], /takes no value/],
  ];
  for (const [argv, message] of cases) {
    it(`${argv.join(' ')} ends with 2 and a hint`, async () => {
      const { code, stdout, stderr } = await runCli(argv);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1);
    });
  }

  it('is measured in insertions, deletions, changes and swaps', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('flie', 'file'), 1);
    assert.equal(editDistance('', 'abc'), 3);
  });
});

describe('parseArguments()', () => {
  const options = {
    file: { type: 'strings', short: 'f', description: '' },
    recursive: { type: 'boolean', short: 'r', description: '' },
    tail: { type: 'number', short: 't', description: '' },
  } as const;

  it('reads every form', () => {
    const args = parseArguments(
      ['a', '-f', '-', '-rfx', '--file=y=z', '-f', '-dash', '-t5', '--no-raw', '--', '-b'],
      options,
    );
    assert.deepEqual(args.positionals, ['a', '-b']);
    assert.deepEqual(args.strings('file'), ['-', 'x', 'y=z', '-dash']);
    assert.equal(args.flag('recursive'), true);
    assert.equal(args.number('tail'), 5);
    assert.equal(args.flag('raw'), false);
  });
});

describe('completion', () => {
  it('has a script for each shell', () => {
    for (const shell of SHELLS) {
      assert.match(completionScript(shell) ?? '', /pfs __complete/);
    }
  });

  const complete = async (
    words: readonly string[],
    address?: string,
  ): Promise<readonly string[]> => {
    const ran = await runCli(['__complete', ...words], address ? { address } : {});
    assert.equal(ran.stderr, '');
    return ran.stdout.split('\n').filter(Boolean);
  };

  it('completes verbs, nouns, spellings and options', async () => {
    assert.deepEqual(
      await complete(['insp']).then((words) => words.includes('inspect-repo')),
      true,
    );
    assert.deepEqual(await complete(['create', '']), [
      'branch',
      'defaults',
      'pipeline',
      'project',
      'repo',
      'secret',
      'tag',
    ]);
    assert.deepEqual(await complete(['put-file', '--re']), ['--recursive']);
    assert.deepEqual(await complete(['completion', 'z']), ['zsh']);
  });

  it('completes branches and paths, in both spellings', async () => {
    const engine = await FakeEngine.start();
    engine.handler = ({ path, query }, response) => {
      const files = [{ path: `${query.path ?? ''}sub/` }, { path: `${query.path ?? ''}sum.csv` }];
      const items = path.endsWith('/branches')
        ? [{ name: 'master' }, { name: 'dev' }]
        : path.endsWith('/tags')
          ? [{ name: 'v1.2' }]
          : path.endsWith('/list')
            ? files
            : [{ project: 'default', name: 'data' }];
      response.end(JSON.stringify({ items, next: null }));
    };
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['get file d', ['data']],
      ['get file data@', ['data@dev', 'data@master', 'data@v1.2']],
      ['get file data@m', ['data@master']],
      ['get file data m', ['master']],
      ['get file data@master:/a/s', ['data@master:/a/sub/', 'data@master:/a/sum.csv']],
      ['get file data@master:su', ['data@master:sub/', 'data@master:sum.csv']],
      ['get-file data master /sum', ['/sum.csv']],
      ['put file -m text data@d', ['data@dev']],
      ['put file data@dev -f d', []],
      ['create branch data master x', []],
    ];
    for (const [line, answers] of cases) {
      assert.deepEqual(await complete(line.split(' '), engine.address), answers, line);
    }
    await engine.stop();
  });

  it('gives bash what follows the last character that breaks words', () => {
    const script = `${completionScript('bash')}
      compopt() { :; }
      pfs() { printf '%s\\n' "$ANSWER"; }
      COMP_LINE=$1 COMP_POINT=\${#1}
      _pfs
      printf '%s' "\${COMPREPLY[@]}"`;
    const ask = (line: string, answer: string): string =>
      execFileSync('bash', ['--norc', '-c', script, 'bash', line], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, ANSWER: answer },
      });
    assert.equal(ask('pfs list file da', 'data'), 'data');
    assert.equal(ask('pfs list file data@m', 'data@master'), '@master');
    assert.equal(ask('pfs list file data@master:/s', 'data@master:/sub/'), '/sub/');
    assert.equal(ask('pfs list-file data ', 'master'), 'master');
  });

  it('completes names from a running engine, and says nothing without one', async () => {
    const engine = await FakeEngine.start();
    engine.handler = (_, response) => {
      response.end(
        JSON.stringify({ items: [{ project: 'default', name: 'training' }], next: null }),
      );
    };
    assert.deepEqual(await complete(['list-file', 'tr'], engine.address), ['training']);
    await engine.stop();
    assert.deepEqual(await complete(['list-file', 'tr'], 'http://127.0.0.1:1'), []);
  });
});

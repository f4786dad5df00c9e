// A machine that does not exist, for the scripts of the set-up: a checkout of their own, a PATH of small programs that
// write down how they were called, and what Node says about the system. Nothing of the real one is run or changed.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { scratchDirectory } from '../support/scratch.ts';

/** Whether a pseudo-terminal can be had here: the program of util-linux, others have other options. */
export const canType = process.platform === 'linux' && existsSync('/usr/bin/script');

/** How a script ended. On a terminal `stdout` has both outputs, as a person would see them. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly env?: Readonly<Record<string, string>>;
  /** Runs on a pseudo-terminal, and types this when a question appears. */
  readonly typed?: string;
}

/** The engine is reachable as soon as the file `up` is there, and has the images that the file `images` lists. */
const DOCKER = `
for last; do :; done
if [ "$1" = context ]; then
  [ -e "$STATE/context" ] && read -r found < "$STATE/context"
  echo "\${found:-default unix:///var/run/docker.sock}"
  exit 0
fi
if [ ! -e "$STATE/up" ]; then
  [ -e "$STATE/reason" ] && read -r reason < "$STATE/reason"
  echo "\${reason:-Cannot connect to the Docker daemon}" >&2
  exit 1
fi
case "$1 $2" in
  'version --format') echo 20.10.24 ;;
  'image ls'|'image inspect')
    while read -r each; do
      [ "$each" = "$last" ] && { echo deadbeef; exit 0; }
    done < "$STATE/images"
    [ "$2" = ls ] ;;
  'pull --quiet')
    [ -e "$STATE/registry" ] || { echo 'no route to registry-1.docker.io' >&2; exit 1; }
    echo "$last" >> "$STATE/images" ;;
  'import '*) echo "$last" >> "$STATE/images" ;;
  'build --quiet')
    while [ "$1" != --tag ]; do shift; done
    echo "$2" >> "$STATE/images" ;;
  'buildx version'|'create '*) exit 1 ;;
esac
`;

/** Installs what it is asked for: the programs in the folder named like the package come onto the PATH. */
const APT_GET = `
case " $* " in
  *' install '*)
    for each; do
      for program in "$STATE/packages/$each"/*; do
        [ -e "$program" ] && /bin/cp -p "$program" "$BIN/"
      done
    done ;;
esac
exit 0
`;

export class FakeMachine {
  /** The copy of the checkout in which the scripts run. */
  readonly checkout: string;
  readonly #folder: string;
  readonly #system = { uid: 0, platform: 'linux', node: process.versions.node };

  private constructor(folder: string) {
    this.#folder = folder;
    this.checkout = join(folder, 'checkout');
  }

  /** A Debian with apt-get, whose user is root; it has no Docker, and nothing else either. */
  static debian(t: TestContext): FakeMachine {
    const folder = scratchDirectory(t);
    const machine = new FakeMachine(folder);
    for (const each of ['bin', 'system/etc', 'tmp', 'state/packages']) {
      mkdirSync(join(folder, each), { recursive: true });
    }
    machine.state('images', '');
    machine.system('etc/os-release', 'ID=debian\nVERSION_CODENAME=bookworm\n');
    for (const each of ['scripts', 'docker']) {
      cpSync(each, join(machine.checkout, each), { recursive: true });
    }
    machine.program('apt-get', APT_GET);
    machine.package('docker.io', { docker: DOCKER, dockerd: 'echo 1 > "$STATE/up"' });
    machine.package('iptables', { iptables: '' });
    machine.package('debootstrap', { debootstrap: '' });
    return machine;
  }

  /** The same with an engine that runs and has these images. */
  static withDocker(t: TestContext, images: readonly string[] = []): FakeMachine {
    const machine = FakeMachine.debian(t);
    machine.program('docker', DOCKER);
    machine.state('up', '');
    machine.state('images', images.map((each) => `${each}\n`).join(''));
    return machine;
  }

  /** Puts a program onto the PATH; `body` is of the shell, with the folders STATE and BIN. */
  program(name: string, body = ''): void {
    this.#write(join('bin', name), body);
  }

  /** Puts the command that finds no engine onto the PATH. */
  dockerCommand(): void {
    this.program('docker', DOCKER);
  }

  /** Says which programs a package has. */
  package(name: string, programs: Readonly<Record<string, string>>): void {
    for (const [program, body] of Object.entries(programs)) {
      this.#write(join('state/packages', name, program), body);
    }
  }

  remove(program: string): void {
    rmSync(join(this.#folder, 'bin', program));
  }

  /** Writes a file that the programs look at. */
  state(name: string, text: string): void {
    writeFileSync(join(this.#folder, 'state', name), text);
  }

  /** Writes a file of the system, as `etc/os-release`. */
  system(path: string, text: string): void {
    const full = join(this.#folder, 'system', path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }

  is(system: { readonly uid?: number; readonly platform?: string; readonly node?: string }): void {
    Object.assign(this.#system, system);
  }

  /** Returns the command lines of all programs that were run, in order. */
  calls(name = ''): string[] {
    const log = join(this.#folder, 'calls');
    const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
    return lines.filter((line) => line !== '' && (name === '' || line.split(' ')[0] === name));
  }

  /** Returns the images that the engine has. */
  images(): string[] {
    return readFileSync(join(this.#folder, 'state/images'), 'utf8').split('\n').filter(Boolean);
  }

  /** Where the locks are that all checkouts of a user share. */
  locks(): string {
    return join(this.#folder, 'tmp', `pfs-setup-${process.getuid?.() ?? -1}`);
  }

  /** Calls an exported function of a file in scripts/setup, prints what it returns as JSON, and fails as the scripts do. */
  async call(
    file: string,
    name: string,
    options: Options & { args?: unknown[] } = {},
  ): Promise<Outcome> {
    return this.evaluate(
      `const { ${name} } = await import('./scripts/setup/${file}');
       const result = await ${name}(...${JSON.stringify(options.args ?? [])});
       console.log('result ' + JSON.stringify(result));`,
      options,
    );
  }

  /** Runs statements in the checkout's root; a failure is told as the scripts tell it. */
  async evaluate(statements: string, options: Options = {}): Promise<Outcome> {
    return this.run([this.script(statements)], options);
  }

  /** Makes a script of such statements, and returns its path. */
  script(statements: string): string {
    const file = join(this.checkout, `try-${crypto.randomUUID()}.mjs`);
    const text = `import { complain } from './scripts/setup/say.mjs';
      try { ${statements} } catch (error) { complain(error); process.exitCode = 1; }`;
    writeFileSync(file, text);
    return file;
  }

  /** Runs Node with a script of the checkout to its end. */
  run(args: readonly string[], options: Options = {}): Promise<Outcome> {
    return finish(this.start(args, options), options.typed);
  }

  start(args: readonly string[], options: Options = {}): ChildProcess {
    const preload = resolve('test/scripts/fake-system.mjs');
    const command = [process.execPath, '--import', preload, ...args];
    const [program = '', ...rest] =
      options.typed === undefined
        ? command
        : ['/usr/bin/script', '-qec', command.join(' '), '/dev/null'];
    return spawn(program, rest, {
      cwd: this.checkout,
      timeout: 60_000,
      env: {
        PATH: join(this.#folder, 'bin'),
        HOME: this.#folder,
        SHELL: '/bin/sh',
        TMPDIR: join(this.#folder, 'tmp'),
        NO_COLOR: '1',
        FAKE_SYSTEM: JSON.stringify({ folder: join(this.#folder, 'system'), ...this.#system }),
        ...options.env,
      },
    });
  }

  #write(path: string, body: string): void {
    const full = join(this.#folder, path);
    const name = path.split('/').at(-1) ?? '';
    mkdirSync(dirname(full), { recursive: true });
    const paths = `STATE='${this.#folder}/state'; BIN='${this.#folder}/bin'`;
    const record = `echo "${name} $*" >> '${this.#folder}/calls'`;
    writeFileSync(full, `#!/bin/sh\n${paths}\n${record}\n${body}\n`);
    chmodSync(full, 0o755);
  }
}

/** Waits for the end of a child, typing an answer as soon as it asks. */
export function finish(child: ChildProcess, typed?: string): Promise<Outcome> {
  return new Promise((done, reject) => {
    const printed = { stdout: '', stderr: '' };
    let answered = false;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
        printed[name] += chunk;
        if (typed !== undefined && !answered && printed.stdout.includes('[Y/n] ')) {
          answered = true;
          child.stdin?.write(typed);
        }
      });
    }
    child.on('error', reject);
    child.on('close', (code) => done({ code, ...printed }));
  });
}

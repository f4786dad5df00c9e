// User code that misbehaves in every way we know, and what is to come of it.

export interface Case {
  readonly name: string;
  /** A script for `sh`, with Python at hand. */
  readonly sh: string;
  /** Why the datum fails; where absent, it works. */
  readonly fails?: RegExp;
  /** What it writes where it works: texts by path, of which some may be a pattern. */
  readonly writes?: Readonly<Record<string, string | RegExp>>;
}

/** Numbers as hard as users may meet them take minutes: `PFS_TEST_LARGE=1`. */
const isLarge = process.env.PFS_TEST_LARGE === '1';

const CLOSED = 'exec 0<&- 1>&- 2>&-';

/** Links to one file cost the file system least; ext4 allows 65,000 of each. */
const TOO_MANY: Case = {
  name: 'too-many-in-a-directory',
  sh: `python3 -c '
import os
os.chdir("/pfs/out")
for i in range(1000001):
    if i % 60000 == 0: os.close(os.open(str(i), os.O_CREAT)); first = str(i)
    else: os.link(first, str(i))
'`,
  fails: /it holds 1000001 entries, and a directory may hold 1000000; use subdirectories/,
};

/** What ends by itself. */
export const CASES: readonly Case[] = [
  // What is left in the output.
  {
    name: 'link-to-the-host',
    sh: 'ln -s /etc/passwd /pfs/out/x',
    fails: /"\/pfs\/out\/x".*symbolic link to "\/etc\/passwd", which is outside \/pfs/,
  },
  { name: 'link-upwards', sh: 'ln -s ../../../etc/passwd /pfs/out/x', fails: /outside \/pfs/ },
  {
    name: 'link-to-a-directory-outside',
    sh: 'mkdir /pfs/out/d; ln -s / /pfs/out/d/all',
    fails: /not below an input/,
  },
  { name: 'link-in-a-circle', sh: 'ln -s x /pfs/out/x', fails: /loop/ },
  {
    name: 'link-to-an-input',
    sh: 'ln -s "$code" /pfs/out/copy',
    writes: { copy: /^ln -s "\$code"/ },
  },
  {
    name: 'hard-link-to-an-input',
    sh: 'ln "$code" /pfs/out/x',
    fails: /exit code 1.*Invalid cross-device link/,
  },
  {
    name: 'hard-links',
    sh: 'cd /pfs/out; echo same >a; ln a b; mkdir d; ln a d/c',
    writes: { a: 'same\n', b: 'same\n', 'd/c': 'same\n' },
  },
  {
    name: 'device',
    sh: 'mknod /pfs/out/null c 1 3 || mknod /pfs/out/disk b 8 0',
    fails: /exit code 1.*Operation not permitted/,
  },
  { name: 'named-pipe', sh: 'mkfifo /pfs/out/p', fails: /named pipe; write regular files only/ },
  {
    name: 'socket',
    sh: `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/pfs/out/s")'`,
    fails: /it is a socket/,
  },
  {
    name: 'setuid',
    sh: 'cp /bin/true /pfs/out/t; chmod 6755 /pfs/out/t; ls -l /pfs/out/t | cut -c1-10 >/pfs/out/mode',
    writes: { mode: '-rwsr-sr-x\n' },
  },
  {
    name: 'many-files',
    sh: 'cd /pfs/out; for d in 1 2 3 4; do mkdir $d; for i in $(seq 5000); do : >$d/$i; done; done',
    writes: { '4/5000': '' },
  },
  {
    name: 'large-file-with-holes',
    sh: `truncate -s ${isLarge ? '10G' : '100M'} /pfs/out/zeros`,
    writes: {},
  },
  ...(isLarge ? [TOO_MANY] : []),
  {
    name: 'name-that-is-not-utf-8',
    sh: `touch "/pfs/out/$(printf 'a\\377b')"`,
    fails: /its name, bytes "aÿb", is not UTF-8/,
  },
  { name: 'name-of-git', sh: 'mkdir /pfs/out/.git; touch /pfs/out/.git/config', fails: /\.git/ },
  {
    name: 'name-with-a-newline',
    sh: `touch "/pfs/out/$(printf 'a\\nb')"`,
    fails: /control character|newline/,
  },
  {
    name: 'path-without-end',
    sh: 'cd /pfs/out; for i in $(seq 300); do mkdir dddddddddddddddddddd; cd dddddddddddddddddddd; done; touch f',
    fails: /too long|longer/,
  },
  {
    name: 'out-of-the-output',
    sh: 'cd /pfs/out/..; echo x >evil',
    fails: /Read-only file system.*inputs in \/pfs are read-only/,
  },
  {
    name: 'unreadable',
    sh: 'cd /pfs/out; mkdir -p d/e; echo x >d/e/f; chmod 0 d/e/f d/e d',
    writes: { 'd/e/f': 'x\n' },
  },
  {
    name: 'of-root-and-of-nobody',
    sh: 'cd /pfs/out; mkdir -m 700 d; echo x >d/f; chmod 600 d/f; chown -R 65534:65534 d; echo y >g; chmod 400 g',
    writes: { 'd/f': 'x\n', g: 'y\n' },
  },
  {
    name: 'immutable',
    sh: 'echo x >/pfs/out/f; chattr +i /pfs/out/f 2>/dev/null; true',
    writes: { f: 'x\n' },
  },

  // The output directory itself, and the inputs.
  { name: 'output-deleted', sh: 'rm -rf /pfs/out', fails: /exit code 1.*(busy|Read-only)/ },
  { name: 'output-moved', sh: 'mv /pfs/out /pfs/old', fails: /exit code 1.*(busy|Read-only)/ },
  {
    name: 'output-replaced-by-a-link',
    sh: 'rmdir /pfs/out; ln -sfn /etc /pfs/out/',
    writes: {},
    fails: /outside/,
  },
  { name: 'output-mounted-over', sh: 'mount -t tmpfs none /pfs/out', fails: /exit code (1|32)/ },
  { name: 'output-closed', sh: 'echo x >/pfs/out/f; chmod 0 /pfs/out', writes: { f: 'x\n' } },
  {
    name: 'input-written',
    sh: 'echo x >>"$code"',
    fails: /exit code (1|2).*Read-only file system.*inputs in \/pfs are read-only/,
  },
  { name: 'input-mode', sh: 'chmod 777 "$code"', fails: /exit code 1.*Read-only file system/ },
  { name: 'input-deleted', sh: 'rm -f "$code"', fails: /exit code 1.*Read-only file system/ },
  { name: 'input-remounted', sh: 'mount -o remount,rw,bind /pfs', fails: /exit code (1|32)/ },
  {
    name: 'control-written',
    sh: 'for f in /dev/pfs /dev/pfs/x; do echo x >$f/y && exit 0; done 2>/dev/null; rm -rf /dev/pfs && exit 0; exit 3',
    fails: /exit code 3/,
  },

  // Processes and the shell loop.
  { name: 'input-closed', sh: 'exec <&-; echo on >/pfs/out/x', writes: { x: 'on\n' } },
  {
    name: 'everything-closed',
    sh: `${CLOSED}; echo on >/pfs/out/x; exit 0`,
    writes: { x: 'on\n' },
  },
  {
    name: 'daemons',
    sh: `for i in 1 2 3; do setsid sh -c 'trap "" TERM HUP INT; cd /pfs/out; while :; do echo late >>late; done' & done
sleep 0.1; rm -f /pfs/out/late; mkdir /pfs/out/d; sleep 1000 & echo now >/pfs/out/d/now; exit 0`,
    writes: { 'd/now': 'now\n' },
  },
  {
    name: 'daemon-that-forks',
    sh: `python3 -c '
import os, sys
if os.fork(): sys.exit()
os.setsid()
while True:
    if os.fork(): os._exit(0)
'; echo on >/pfs/out/x`,
    writes: { x: 'on\n' },
  },
  { name: 'kills-itself', sh: 'kill -9 $$', fails: /exit code 137/ },
  { name: 'kills-all', sh: 'sleep 1000 & kill -9 -1; exit 3', fails: /exit code (3|137)/ },
  {
    name: 'kills-the-loop',
    sh: 'kill -9 1; kill 1; kill -STOP 1; kill -HUP 1; echo on >/pfs/out/x',
    writes: { x: 'on\n' },
  },
  {
    name: 'reads-what-the-loop-reads',
    sh: 'for i in 1 2 3; do cat /proc/1/fd/0 >/dev/null & done; sleep 0.1; echo on >/pfs/out/x',
    writes: { x: 'on\n' },
  },
  {
    name: 'feeds-the-loop-a-command',
    sh: String.raw`printf 'x\nsleep 1000\n' >/proc/1/fd/0; echo on >/pfs/out/x`,
    writes: { x: 'on\n' },
  },
  {
    name: 'feeds-the-loop-half-a-line',
    sh: 'printf half >/proc/1/fd/0; echo on >/pfs/out/x',
    writes: { x: 'on\n' },
  },
  {
    name: 'prints-what-results-look-like',
    sh: 'echo "0123456789abcdef01234567 0 0"; exit 7',
    fails: /exit code 7/,
  },

  // The container and the kernel.
  { name: 'clock', sh: 'date -s "2001-01-01 00:00:00"', fails: /exit code 1.*not permitted/ },
  {
    name: 'privileges',
    sh: `grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t' >/pfs/out/status
find / -xdev -name 'docker*.sock' >/pfs/out/sockets
cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max >/pfs/out/pids 2>/dev/null; true`,
    writes: { status: 'NoNewPrivs:1\nSeccomp:2\n', sockets: '', pids: '4096\n' },
  },
  {
    name: 'another-root',
    sh: 'unshare -m true || unshare -r true',
    fails: /exit code 1.*Operation not permitted/,
  },
  {
    name: 'files-left-everywhere',
    sh: 'for d in /tmp /var/tmp /dev/shm; do echo x >$d/a; echo x >$d/.b; echo x >$d/..c; mkdir -p $d/d/e; done',
    writes: {},
  },
  {
    name: 'temporary-directories-gone',
    sh: 'rm -rf /tmp /var/tmp; ln -s /pfs/out /tmp; echo on >/pfs/out/x',
    writes: { x: 'on\n' },
  },
  {
    name: 'programs-gone',
    sh: 'echo on >/pfs/out/x; rm -rf /usr/bin/env /usr/bin/rm /bin/rm /usr/bin/python3 /usr/bin/chmod /usr/bin/ls',
    writes: { x: 'on\n' },
  },
];

/** What goes on until its time is up. */
export const ENDLESS: readonly Case[] = [
  { name: 'fork-bomb', sh: 'f() { f | f & }; f; while :; do :; done', fails: /time-out|exit code/ },
  {
    name: 'ignores-signals',
    sh: 'trap "" TERM INT HUP QUIT USR1; while :; do sleep 1; done',
    fails: /time-out of 8 s/,
  },
  {
    name: 'stops-itself',
    sh: 'kill -STOP $$',
    fails: /time-out of 8 s/,
  },
  { name: 'endless-output', sh: 'yes', fails: /time-out of 8 s/ },
  { name: 'endless-line', sh: 'cat /dev/zero', fails: /time-out of 8 s/ },
  {
    name: 'endless-output-of-a-daemon',
    sh: 'yes & echo on >/pfs/out/x',
    writes: { x: 'on\n' },
  },
];

/** Looks for what the datum before has left, and whether all is there that a datum needs. */
export const LOOK = `
name=$(basename "$code" .then)
left=
for f in /pfs/out/* /pfs/out/.[!.]* /tmp/* /tmp/.[!.]* /tmp/..?* /var/tmp/* /dev/shm/* /dev/shm/.[!.]*; do
  [ -e "$f" ] || [ -L "$f" ] && left="$left $f"
done
others=
for p in /proc/[0-9]*; do
  [ "$p" = /proc/1 ] || [ "$p" = /proc/$$ ] || others="$others $(tr '\\0' ' ' <$p/cmdline)"
done
mkdir -p /pfs/out/look; touch /tmp/a /var/tmp/a
echo "files:$left; processes:$others; inputs: $(cd /pfs; echo *)" | tr '\\n' ' ' >"/pfs/out/look/$name"
`;

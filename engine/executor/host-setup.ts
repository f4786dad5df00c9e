// How a process of this machine gets surroundings like those of a container: namespaces of its own, the machine's file system
// read-only, and beside it `/pfs`, `/dev`, `/proc` and temporary directories. Text for /bin/sh and the tools of util-linux.

import { shellQuote } from './shell-quote.ts';

/** What there must be on the machine. */
export const HOST_TOOLS = [
  'unshare',
  'nsenter',
  'setpriv',
  'mount',
  'umount',
  'pivot_root',
] as const;

/** The namespaces that all commands of one worker share, as `unshare` and `nsenter` name them. */
export const NAMESPACES = ['--user', '--mount', '--pid', '--ipc', '--uts'] as const;

/** Nothing that runs gets rights back: user code can't undo what is read-only. */
export const DROP_RIGHTS = [
  'setpriv',
  '--no-new-privs',
  '--bounding-set=-all',
  '--inh-caps=-all',
] as const;

export interface HostMount {
  /** Without links in it. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface HostSetup {
  /** A directory of the worker's own, with `root`, `tmp`, `upper` and `work` in it; the path is without links. */
  readonly directory: string;
  /** Where the user's home is; what is written there is seen by the worker alone. */
  readonly home: string;
  readonly mounts: readonly HostMount[];
  /** Directories of this machine of which nothing is to be seen. */
  readonly hidden: readonly string[];
  /** Keeps `/tmp` in memory. */
  readonly memoryScratch: boolean;
  /** Processes and threads at most; holds only where the engine is not root. */
  readonly processes: number;
}

/**
 * Returns the text that makes the surroundings as PID 1 of new namespaces, writes its id on this machine to descriptor 3, and
 * becomes the command in its arguments.
 */
export function hostSetupText(setup: HostSetup): string {
  const { directory, home, mounts, hidden, memoryScratch, processes } = setup;
  const quoted = (name: string) => shellQuote(`${directory}/${name}`);
  const old = (name: string) => shellQuote(`/.old${directory}/${name}`);
  return `set -e
umask 022
n=${quoted('root')}
fail() { echo "$1" >&2; exit 1; }
read -r pid rest </proc/self/stat
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$n"
for e in /* /.[!.]*; do
  b=\${e#/}
  case $b in proc | dev | tmp | run | pfs | '*' | '.[!.]*') continue ;; esac
  if [ -L "$e" ]; then
    ln -s "$(readlink "$e")" "$n/$b"
  elif [ -d "$e" ]; then
    mkdir "$n/$b"
    mount --rbind "$e" "$n/$b" 2>/dev/null || rmdir "$n/$b"
  fi
done
while read -r a b c d at opts rest; do
  case $at in
    "$n"/*)
      f=
      for o in nosuid nodev noexec noatime nodiratime relatime; do
        case ,$opts, in *,$o,*) f=$f,$o ;; esac
      done
      at=$(printf '%b' "$at")
      # What can't be made read-only is not to be seen.
      mount -o "remount,bind,ro$f" "$at" 2>/dev/null || umount -l "$at"
      ;;
  esac
done </proc/self/mountinfo
mkdir -p "$n/proc" "$n/dev" "$n/run" "$n/tmp" "$n/pfs" "$n/.old"
mount -t proc proc "$n/proc" || fail 'proc can not be mounted: it is covered in parts, as in containers'
[ ! -d "$n/sys/fs/cgroup" ] || mount -t tmpfs tmpfs "$n/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$n/dev"
for d in /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/nvidia* /dev/kfd; do
  [ -c "$d" ] || continue
  : >"$n$d"
  mount --bind "$d" "$n$d"
done
mkdir "$n/dev/pts" "$n/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$n/dev/pts"
ln -s pts/ptmx "$n/dev/ptmx"
ln -s /proc/self/fd "$n/dev/fd"
ln -s fd/0 "$n/dev/stdin"
ln -s fd/1 "$n/dev/stdout"
ln -s fd/2 "$n/dev/stderr"
mount -t tmpfs -o mode=1777 tmpfs "$n/dev/shm"
${memoryScratch ? 'mount -t tmpfs -o mode=1777 tmpfs "$n/tmp"' : `mount --bind ${quoted('tmp')} "$n/tmp"`}
[ ! -d "$n/var/tmp" ] || mount --bind ${quoted('vartmp')} "$n/var/tmp"
if [ -d /run/systemd/resolve ]; then
  mkdir -p "$n/run/systemd/resolve"
  mount --bind /run/systemd/resolve "$n/run/systemd/resolve"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$n/run/systemd/resolve" 2>/dev/null || true
fi
cd "$n"
pivot_root . .old
cd /
# From here on a link leads where commands will see it lead, and never to what the machine itself has there.
h=${shellQuote(home)}
mount -t overlay -o "lowerdir=$h,upperdir="${old('upper')}",workdir="${old('work')}",userxattr" overlay "$h" 2>/dev/null || true
for d in ${hidden.map(shellQuote).join(' ')}; do
  [ ! -d "$d" ] || mount -t tmpfs -o mode=755 tmpfs "$d"
done
show() {
  if [ -d "/.old$1" ]; then
    mkdir -p "$2" 2>/dev/null
  else
    d=\${2%/*}
    mkdir -p "\${d:-/}" 2>/dev/null && { [ -e "$2" ] || : >"$2"; } 2>/dev/null
  fi || fail "$2 is not there on this machine, and can not be made there; choose a path below a new directory of /"
  mount --bind "/.old$1" "$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$2" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$2"
}
${mounts.map(({ source, target, readOnly }) => `show ${shellQuote(source)} ${shellQuote(target)} ${readOnly ? 'ro' : 'rw'}`).join('\n')}
umount -l /.old
rmdir /.old
ulimit -c 0
ulimit -u ${processes} 2>/dev/null || true
echo "$pid" >&3
exec 3>&-
exec ${DROP_RIGHTS.join(' ')} "$@"`;
}

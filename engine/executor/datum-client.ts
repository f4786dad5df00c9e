// What user code calls to be given one datum after the other, `pfs next-datum`: a script that needs nothing but a shell.
// docs/workers.md says what it promises, and how it talks to the loop of the worker.

import { CONTROL_MOUNT } from './control-mount.ts';

/** Where the container sees the folder that holds the client, first in the `PATH` of a command that takes datums. */
export const CLIENT_FOLDER = `${CONTROL_MOUNT}/bin`;
/** The named pipes by which it asks, and is answered. */
export const ASK_PIPE = `${CONTROL_MOUNT}/asks`;
export const ANSWER_PIPE = `${CONTROL_MOUNT}/answers`;
/** What a command finds in its environment: where the variables of its current datum are, for shells and for others. */
export const DATUM_FILES = { PFS_DATUM_ENV: 'datum.env', PFS_DATUM_ENVIRON: 'datum.environ' };
/** Where all of it is in a container that gets one datum and is not to ask for another. */
const SINGLE_FOLDER = '/tmp/.pfs';

/** Reads the arguments into `$error`, on one line; it may be empty. */
const ARGUMENTS = `usage='Usage: pfs next-datum [--error <what went wrong>]

Waits for the next datum: its inputs are then in /pfs, and /pfs/out is empty. Ends with 1 when there is none.
With --error, the datum that the command had until now has failed, for the reason given.'
case "\${1-} \${2-}" in
  "next-datum "*) shift ;;
  "next datum") shift 2 ;;
  *) echo "$usage" >&2; exit 2 ;;
esac
error=
while [ $# -gt 0 ]; do
  case $1 in
    --error) error=\${2-}; [ $# -lt 2 ] || shift; error=\${error:-no reason was given} ;;
    --error=?*) error=\${1#--error=} ;;
    --error=) error='no reason was given' ;;
    *) echo "$usage" >&2; [ "$1" = --help ] && exit 0; exit 2 ;;
  esac
  shift
done
set -f
set -- $error
error="$*"`;

/** The client of a worker that hands out datums. */
export const CLIENT_TEXT = `#!/bin/sh
${ARGUMENTS}
printf '%s next %.1000s\\n' $$ "$error" >${ASK_PIPE} || exit 2
while read -r who what; do
  [ "$who" = $$ ] && break
done <${ANSWER_PIPE}
[ "$what" = next ]
`;

/** The client where a command gets one datum: it has it, and is ended when it asks for another. */
const SINGLE_CLIENT_TEXT = `#!/bin/sh
${ARGUMENTS}
cd ${SINGLE_FOLDER} || exit 2
if [ ! -e asked ]; then
  : >asked
  exit 0
fi
: >done
[ -z "$error" ] || printf '%.1000s\\n' "$error" >error
read -r keep <pid
for p in /proc/[0-9]*; do
  p=\${p#/proc/}
  case $p in
    1 | $$ | $keep) ;;
    *) kill -9 $p ;;
  esac
done 2>/dev/null
exit 1
`;

/** The exit code of {@link singleCommand} where the command has reported an error or never asked for its datum. */
const REPORTED = 1;

/**
 * Returns the command that runs `argv`, which asks for datums, for the one datum that is there: for containers that can't
 * be given another. It needs a shell, and \`/tmp\`.
 */
export function singleCommand(argv: readonly string[]): string[] {
  const text = `mkdir -p ${SINGLE_FOLDER}/bin && cat >${SINGLE_FOLDER}/bin/pfs <<'END' && chmod 755 ${SINGLE_FOLDER}/bin/pfs || exit 126
${SINGLE_CLIENT_TEXT}END
echo $$ >${SINGLE_FOLDER}/pid
PATH=${SINGLE_FOLDER}/bin:$PATH PFS_DATUM_ENV=/dev/null PFS_DATUM_ENVIRON=/proc/self/environ "$@"
code=$?
if [ -e ${SINGLE_FOLDER}/error ]; then
  read -r error <${SINGLE_FOLDER}/error
  echo "pfs: the command reported: $error"
  exit ${REPORTED}
fi
[ -e ${SINGLE_FOLDER}/done ] && exit 0
[ -e ${SINGLE_FOLDER}/asked ] && exit $code
echo 'pfs: the command ended with code '$code' and never asked for a datum; it must call pfs next-datum, since its spec says datum_batching'
[ $code = 0 ] || exit $code
exit ${REPORTED}`;
  return ['/bin/sh', '-c', text, 'sh', ...argv];
}

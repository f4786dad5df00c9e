// The part of a worker's loop that hands out datums to a command that asks for them. Its words, too, are chosen so that
// dash, the shell of busybox and bash all do the same.

import { ANSWER_PIPE, ASK_PIPE } from './datum-client.ts';

/** The word before the text of a command that asks for its datums. */
export const BATCH_WORD = 'pfs_batch';
/** What the loop is told when a command has asked: that its next datum is there, that there is none, to end it. */
export const BATCH_ANSWERS = { next: 'pfs_next', none: 'pfs_none', end: 'pfs_end' } as const;

/**
 * Functions of the loop. `pfs_batch <text>` runs a command beside the loop. For each line that its client writes, the loop
 * stops every process but itself, so that what is in `/pfs` can be changed and collected without anybody changing it
 * meanwhile, and prints `<nonce> asks <oom> <what was written>`. Then it takes commands as ever, of which one is an answer: the
 * nonce of that one is the nonce of what comes. It returns the exit code of the command.
 */
export const BATCH_TEXT = `pfs_stop() {
  pfs_i=0
  while [ $pfs_i -lt 2000 ]; do
    kill -STOP -1 2>/dev/null
    pfs_s=1
    for pfs_f in /proc/[0-9]*; do
      [ "$pfs_f" = /proc/1 ] && continue
      pfs_l=
      while IFS= read -r pfs_l; do
        case $pfs_l in State:*) break ;; esac
      done <"$pfs_f/status"
      case $pfs_l in
        State:*[TtZX]*'('* | '') ;;
        State:*D*'('*)
          # Who waits for a child that has not become its program yet stands still with it, and is not called stopped.
          pfs_l=
          read -r pfs_l <"$pfs_f/syscall"
          case $pfs_l in
            '56 '* | '57 '* | '58 '* | '220 '* | '435 '*) ;;
            *) pfs_s=0 ;;
          esac ;;
        *) pfs_s=0 ;;
      esac
    done 2>/dev/null
    [ $pfs_s = 1 ] && return
    pfs_i=$((pfs_i + 1))
    [ $((pfs_i % 20)) = 0 ] && kill -CONT -1
  done
  pfs_kill
}
${BATCH_WORD}() {
  exec 6<>${ANSWER_PIPE}
  (
    exec 5>${ASK_PIPE} 6<&- 8<&- 9<&-
    ( eval "$1" ) </dev/null 2>&1 5<&-
    pfs_r=$?
    echo "$pfs_t end" >&5
    exit $pfs_r
  ) &
  pfs_b=$!
  exec 5<${ASK_PIPE}
  while read -r pfs_q pfs_w <&5; do
    [ "$pfs_q" = "$pfs_t" ] && break
    pfs_stop
    pfs_oom
    echo "$pfs_n asks $pfs_o $pfs_w"
    while pfs_take || { pfs_c=${BATCH_ANSWERS.end}; }; do
      case $pfs_c in
        ${BATCH_ANSWERS.end}) pfs_kill; break ;;
        ${BATCH_ANSWERS.next} | ${BATCH_ANSWERS.none})
          kill -CONT -1
          echo "$pfs_q \${pfs_c#pfs_}" >&6
          break ;;
      esac
      ( eval "$pfs_c" ) </dev/null 2>&1 5<&- 6<&- 8<&- 9<&-
      echo "$pfs_n $? $pfs_o"
    done
  done
  exec 5<&- 6<&-
  wait $pfs_b
}`;

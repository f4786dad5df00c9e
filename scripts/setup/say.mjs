// What the scripts print: short progress lines, and one clear sentence where something cannot go on.
// Nothing here knows what is being set up.

const colours = process.stdout.isTTY && !process.env.NO_COLOR;

/** Returns `text` in an ANSI style on a terminal, and as it is elsewhere. */
export function styled(code, text) {
  return colours ? `\u001b[${code}m${text}\u001b[0m` : text;
}

/** Prints one line about a step of the set-up. */
export function say(text) {
  process.stdout.write(`${styled('2', '·')} ${text}\n`);
}

/** A failure whose message is all that the person in front of the terminal needs; no stack is shown. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** Prints a failure on standard error: the sentence alone where it was written for people. */
export function complain(error) {
  const text = error instanceof SetupError ? error.message : (error?.stack ?? String(error));
  process.stderr.write(`${styled('31', 'error:')} ${text}\n`);
}

/** Returns a duration for people: `0.8 s`, `42 s`, `3 min 10 s`. */
export function duration(ms) {
  if (ms < 10_000) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Runs one step, saying what it does first and how long it took afterwards. */
export async function step(text, action) {
  const started = performance.now();
  say(`${text} …`);
  const result = await action();
  say(`${text}: done in ${duration(performance.now() - started)}`);
  return result;
}

// Keys of joins and groups: a text in which `$1` or `${1}` stands for what the first group of the glob captured, and `$$`
// for a dollar sign.

/** A key as its author wrote it, taken apart: plain text, and numbers of captures from 1. */
export type KeyTemplate = readonly (string | number)[];

/**
 * Takes a template apart, given how many groups its glob has. Returns a sentence that says what is wrong and what would be
 * right where it can't be.
 */
export function parseKeyTemplate(
  text: string,
  options: { readonly captures: number },
): KeyTemplate | string {
  const parts: (string | number)[] = [];
  let at = 0;
  for (const match of text.matchAll(/\$(?:(\d+)|\{(\d+)\}|(\$))?/g)) {
    const [whole, bare, braced, dollar] = match;
    parts.push(text.slice(at, match.index));
    at = match.index + whole.length;
    const number = bare ?? braced;
    if (dollar !== undefined) {
      parts.push('$');
    } else if (number === undefined) {
      return `"$" at character ${match.index + 1} is followed by no number; write $1 for what the first group of the glob captured, or $$ for a dollar sign`;
    } else {
      const problem = captureProblem(number, { whole, ...options });
      if (problem !== undefined) {
        return problem;
      }
      parts.push(Number(number));
    }
  }
  parts.push(text.slice(at));
  return parts.filter((part) => part !== '');
}

/** Makes the key of a file from what the groups of the glob captured; one that took no part is empty text. */
export function expandKey(template: KeyTemplate, captures: readonly string[]): string {
  return template
    .map((part) => (typeof part === 'number' ? (captures[part - 1] ?? '') : part))
    .join('');
}

function captureProblem(
  number: string,
  options: { readonly whole: string; readonly captures: number },
): string | undefined {
  const { whole, captures } = options;
  const wanted = Number(number);
  if (wanted >= 1 && wanted <= captures) {
    return undefined;
  }
  if (captures === 0) {
    return `${whole} names a group, and the glob has none; put the part of the path that is the key into brackets, as in /(*).csv`;
  }
  const [first = ''] = number;
  const rest = number.slice(1);
  const split =
    rest !== '' && Number(first) >= 1 && Number(first) <= captures
      ? `, or \${${first}}${rest} for the first digit alone`
      : '';
  const known = captures === 1 ? 'one group, $1' : `${captures} groups, $1 to $${captures}`;
  return `${whole} names a group that is not there: the glob has ${known}; name one of those${split}`;
}

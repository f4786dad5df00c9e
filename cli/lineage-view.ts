// Draws a lineage as a tree.

import type { Commit, Image } from '../engine/server/wire.ts';
import type { Lineage } from '../engine/server/wire-lineage.ts';
import { shortDigest } from './format.ts';
import { showName } from './refs.ts';
import { plainText } from './table.ts';

const SHOWN_PATHS = 3;

interface Node {
  readonly text: string;
  readonly children: readonly Node[];
}

/**
 * Returns the lines of the tree: a commit or file; below it what made it, the datums that wrote it, each with what it read; then the
 * commits it was made from, or that were made from it. A commit met again is drawn once and pointed at after.
 */
export function renderLineage(lineage: Lineage): readonly string[] {
  const root = toNode(lineage, new Set());
  return [root.text, ...renderChildren(root.children, '')];
}

function toNode(lineage: Lineage, seen: Set<string>): Node {
  const { commit, paths, datums, omitted, next } = lineage;
  const whole = `${showName(commit.repo)}@${commit.branch}=${commit.id}`;
  const name = `${whole}${showPaths(paths)}`;
  const text = plainText(name + describe(commit));
  const key = `${whole} ${paths.join(' ')}`;
  if (seen.has(key)) {
    return { text: `${text}, as above`, children: [] };
  }
  seen.add(key);
  const makers = commit.pipeline ? [{ text: maker(commit), children: [] }] : [];
  const writers = datums.map((datum): Node => {
    return {
      text: `datum ${datum.id.slice(0, 12)} of job ${datum.job}${earlierMaker(commit, datum)}`,
      children: datum.inputs.map((input) => ({
        text: plainText(`${input.name}: ${showName(input.repo)}@${input.commit}:${input.path}`),
        children: [],
      })),
    };
  });
  const rest = omitted > 0 ? [{ text: `… and ${omitted} more datums`, children: [] }] : [];
  return {
    text,
    children: [...makers, ...writers, ...rest, ...next.map((other) => toNode(other, seen))],
  };
}

/** Shows a few of the paths of a commit; nothing for all of it. */
function showPaths(paths: readonly string[]): string {
  if (paths.length < 2) {
    return paths.map((path) => `:${path}`).join('');
  }
  const rest = paths.length > SHOWN_PATHS ? `, … ${paths.length - SHOWN_PATHS} more` : '';
  return `:{${paths.slice(0, SHOWN_PATHS).join(', ')}${rest}}`;
}

function describe(commit: Commit): string {
  const about = commit.description ? `, "${commit.description}"` : '';
  if (commit.pipeline) {
    return about && ` (${about.slice(2)})`;
  }
  return ` (${commit.origin === 'user' ? 'put by a user' : 'made by the engine'}${about})`;
}

function maker({ pipeline, image: used }: Commit): string {
  return pipeline ? `made by pipeline ${showName(pipeline)}@${pipeline.version}${image(used)}` : '';
}

/** A result that was kept may be of an earlier version or image of the pipeline; only then it is worth a word. */
function earlierMaker({ pipeline, image: used }: Commit, datum: Lineage['datums'][number]): string {
  return datum.version === pipeline?.version && datum.image?.digest === used?.digest
    ? ''
    : ` by ${pipeline ? `pipeline ${showName(pipeline)}@${datum.version}` : 'its pipeline'}${image(datum.image)}`;
}

function image(used: Image | null): string {
  return used ? `, image ${used.reference} ${shortDigest(used.digest)}` : '';
}

function renderChildren(nodes: readonly Node[], indent: string): readonly string[] {
  return nodes.flatMap(({ text, children }, i) => {
    const isLast = i === nodes.length - 1;
    return [
      `${indent}${isLast ? '└─' : '├─'} ${text}`,
      ...renderChildren(children, `${indent}${isLast ? '  ' : '│ '} `),
    ];
  });
}

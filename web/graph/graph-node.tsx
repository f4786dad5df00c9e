// One node of the graph: a pipeline with its output, or a repo.

import type { JSX } from 'preact';
import { memo } from 'preact/compat';
import { useMemo } from 'preact/hooks';
import type { Job } from '../../engine/server/wire.ts';
import { pathOf } from '../app/router.ts';
import { doneOf } from '../jobs/progress.tsx';
import { shapeOf } from '../parts/icon.tsx';
import { sizeText } from '../parts/numbers.ts';
import { type Look, lookOf, pipelineLook } from '../parts/state.tsx';
import { NODE_HEIGHT, NODE_WIDTH, type Point } from './layout.ts';
import type { GraphNode as Node } from './model.ts';
import { cutToWidth } from './text-width.ts';

/** How much of a node can be made out at the present zoom. */
export type Detail = 'all' | 'name' | 'shape';

/** What a node says of the commit set that is highlighted. */
export interface InSet {
  readonly href: string;
  readonly look: Look;
  readonly word: string;
}

interface Props {
  readonly node: Node;
  readonly at: Point;
  readonly detail: Detail;
  readonly isDim: boolean;
  readonly isMarked: boolean;
  /** Its job that is under way. */
  readonly job: Job | undefined;
  readonly inSet: InSet | undefined;
}

const TEXT_FROM = 42;
const TEXT_WIDTH = NODE_WIDTH - TEXT_FROM - 12;
/** As `graph.css` has them. */
const NAME_FONT = '550 13px';
const WORD_FONT = '11.5px';
/** Any name so short has room. */
const SHORT = 14;
/** From afar, the sign stands in the middle, as large as there is room. */
const FAR_SIGN = `translate(${NODE_WIDTH / 2 - 20} ${NODE_HEIGHT / 2 - 20}) scale(2.5)`;

/** Draws a node. */
export const NodeView = memo(function NodeView(props: Props): JSX.Element {
  const { node, at, detail, isDim, isMarked, job, inSet } = props;
  const isPipeline = node.kind === 'pipeline';
  const { word, icon, tone } = inSet ? { ...inSet.look, word: inSet.word } : saysOf(node, job);
  const [left, top] = [at.x - NODE_WIDTH / 2, at.y - NODE_HEIGHT / 2];
  const href = inSet?.href ?? pathOf(isPipeline ? 'pipelines' : 'repos', node.project, node.name);
  const classes = ['node', `node-${node.kind}`, `tone-${tone}`];
  if (isDim) {
    classes.push('dim');
  }
  if (isMarked) {
    classes.push('marked');
  }
  const says = `${node.project}/${node.name}: ${word}`;
  const name = useMemo(() => fitted(node.name, NAME_FONT), [node.name]);
  const shortWord = useMemo(() => fitted(word, WORD_FONT), [word]);
  const done = job && job.datums.total > 0 ? doneOf(job) / job.datums.total : undefined;
  return (
    <a
      href={href}
      class={classes.join(' ')}
      data-node={node.id}
      aria-label={detail === 'shape' ? says : undefined}
    >
      <g transform={`translate(${left} ${top})`}>
        <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx={isPipeline ? 6 : NODE_HEIGHT / 2} />
        {isPipeline && <rect class="stripe" width="4" height={NODE_HEIGHT - 12} x="0" y="6" />}
        {detail === 'shape' && <path class="sign" d={shapeOf(icon)} transform={FAR_SIGN} />}
        {detail !== 'shape' && (
          <>
            <path
              class="sign"
              d={shapeOf(icon)}
              transform={`translate(${isPipeline ? 15 : 17} 16)`}
            />
            <text class="name" x={TEXT_FROM} y={detail === 'all' ? 21 : 29}>
              {name}
            </text>
          </>
        )}
        {detail === 'all' && (
          <text class="word" x={TEXT_FROM} y="37">
            {shortWord}
          </text>
        )}
        {done !== undefined && (
          <rect
            class="done"
            x="0"
            y={NODE_HEIGHT - 4}
            width={Math.max(4, done * NODE_WIDTH)}
            height="4"
            rx="2"
          />
        )}
        {(detail === 'shape' || name !== node.name) && <title>{says}</title>}
      </g>
    </a>
  );
});

function saysOf(node: Node, job: Job | undefined): Look & { readonly word: string } {
  const { pipeline, repo } = node;
  if (pipeline) {
    const look = pipelineLook(pipeline);
    return job && job.datums.total > 0
      ? { ...lookOf(job.state), word: `${doneOf(job)} of ${job.datums.total} datums` }
      : look;
  }
  const icon = node.kind === 'cron' ? 'waiting' : node.kind === 'git' ? 'branch' : 'repo';
  const kind = node.kind === 'cron' ? 'schedule, ' : node.kind === 'git' ? 'Git, ' : '';
  return {
    icon,
    tone: 'quiet',
    word: repo ? `${kind}${repo.size === 0 ? 'empty' : sizeText(repo.size)}` : 'of another project',
  };
}

function fitted(text: string, font: string): string {
  return text.length <= SHORT ? text : cutToWidth(text, TEXT_WIDTH, font);
}

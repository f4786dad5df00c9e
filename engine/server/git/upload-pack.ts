// What Git fetches: protocol version 2 (gitprotocol-v2), its commands `ls-refs` and `fetch`. Every request stands alone.

import { EngineError } from '../../base/errors.ts';
import { MAX_BLOB_BYTES } from '../../base/limits.ts';
import { isObjectId } from '../../git/object-id.ts';
import { DELIMITER, FLUSH, type PktReader, pkt } from '../../git/pkt-line.ts';
import type { RepoKey } from '../../journal/records.ts';
import { allReach, CommitGraph } from '../../pfs/commit-graph.ts';
import type { PfsContext } from '../../pfs/context.ts';
import { addWanted, type FetchPlan, planFetch, type WantedFiles } from '../../pfs/fetch-plan.ts';
import { type GitRefs, gitRefs, isThereOf } from '../../pfs/git-refs.ts';
import type { IdSet } from '../../pfs/id-set.ts';
import { isFault, toProblem } from '../problem.ts';
import { type FetchArguments, readFetchArguments } from './fetch-arguments.ts';
import { packStream } from './pack-stream.ts';
import type { RepoObjects } from './repo-objects.ts';
import { DATA_BAND, ERROR_BAND, onBand, PROGRESS_BAND } from './side-band.ts';

/** Returns what a client is told first: what can be asked for. */
export function advertiseUploadPack(version: string): Buffer {
  return Buffer.concat([
    pkt('version 2'),
    pkt(`agent=pfs/${version}`),
    pkt('ls-refs=unborn'),
    pkt('fetch=shallow filter'),
    pkt('object-format=sha1'),
    FLUSH,
  ]);
}

/** Answers one request. What is wrong with it is told in the way of Git, whatever it asks for. */
export async function* uploadPack(
  context: PfsContext,
  reader: PktReader,
  options: Omit<Asked, 'refs'>,
): AsyncGenerator<Buffer> {
  const { repo } = options;
  try {
    const capabilities: string[] = [];
    let packet = await reader.next();
    for (; Buffer.isBuffer(packet); packet = await reader.next()) {
      capabilities.push(packet.toString('utf8').trimEnd());
    }
    const lines = packet === 'delimiter' ? await reader.lines() : [];
    const command = capabilities.find((line) => line.startsWith('command='))?.slice(8);
    const refs = await gitRefs(context, repo);
    if (command === 'ls-refs') {
      yield listRefs(refs, lines);
    } else if (command === 'fetch') {
      yield* fetch(context, readFetchArguments(lines), { ...options, refs });
    } else {
      throw new EngineError('invalid', `Cannot answer Git: there is no command "${command ?? ''}"`);
    }
  } catch (error) {
    if (isFault(error)) {
      options.onFault(error);
    }
    yield pkt(`ERR ${toProblem(error).detail}`);
  }
}

function listRefs({ branches, tags, main }: GitRefs, lines: readonly string[]): Buffer {
  const prefixes = lines.filter((line) => line.startsWith('ref-prefix ')).map((l) => l.slice(11));
  const isAsked = (name: string) =>
    prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
  const head = branches.get(main);
  const target = lines.includes('symrefs') ? ` symref-target:refs/heads/${main}` : '';
  const all: [string, string, string][] = [
    ...(head === undefined ? [] : [['HEAD', head, target] as [string, string, string]]),
    ...Array.from(branches, ([name, id]): [string, string, string] => [
      `refs/heads/${name}`,
      id,
      '',
    ]),
    ...Array.from(tags, ([name, id]): [string, string, string] => [`refs/tags/${name}`, id, '']),
  ];
  const shown = all.filter(([name]) => isAsked(name));
  const unborn = head === undefined && lines.includes('unborn') && isAsked('HEAD');
  return Buffer.concat([
    ...(unborn ? [pkt(`unborn HEAD${target}`)] : []),
    ...shown.map(([name, id, more]) => pkt(`${id} ${name}${more}`)),
    FLUSH,
  ]);
}

interface Asked {
  readonly repo: RepoKey;
  readonly refs: GitRefs;
  readonly owned: RepoObjects;
  readonly onFault: (error: unknown) => void;
}

async function* fetch(
  context: PfsContext,
  args: FetchArguments,
  asked: Asked,
): AsyncGenerator<Buffer> {
  const isThere = await isThereOf(context, asked.repo);
  const { commits, others } = await sortWants(context, args, asked);
  const graph = new CommitGraph(context.objects, isThere && { isThere });
  const common = new Set<string>();
  for (const id of args.haves) {
    if (isObjectId(id) && (await graph.find(id))) {
      common.add(id);
    }
  }
  if (args.haves.length > 0 && !args.done) {
    const isReady = common.size > 0 && (await allReach(graph, commits, common));
    yield Buffer.concat([
      pkt('acknowledgments'),
      ...(common.size === 0 ? [pkt('NAK')] : []),
      ...[...common].map((id) => pkt(`ACK ${id}`)),
      ...(isReady ? [pkt('ready'), DELIMITER] : [FLUSH]),
    ]);
    if (!isReady) {
      return;
    }
  }
  const files = filesOf(context, args);
  const plan = await planFetch(context.objects, {
    wants: commits,
    client: { haves: common, shallow: args.shallow },
    depth: args.depth && { ...args.depth, excluded: excludedBy(args, asked.refs) },
    isThere,
    files,
  });
  await addWanted(context.objects, others, { found: plan.objects, files });
  yield* sendPack(context, plan, { noProgress: args.noProgress, onFault: asked.onFault });
}

/** Commits that branches or tags show may be asked for, and whatever these reach: never what is another repo's alone. */
async function sortWants(
  context: PfsContext,
  { wants }: FetchArguments,
  { repo, refs, owned }: Asked,
): Promise<{ commits: string[]; others: string[] }> {
  const tips = new Set([...refs.branches.values(), ...refs.tags.values()]);
  const commits: string[] = [];
  const others: string[] = [];
  let all: IdSet | undefined;
  for (const id of new Set(wants)) {
    if (tips.has(id)) {
      commits.push(id);
      continue;
    }
    all ??= await owned.reached(repo, refs);
    if (!isObjectId(id) || !all.hasHex(id)) {
      throw new EngineError(
        'not_found',
        `Cannot send "${id}": no branch or tag of the repo reaches it (any more); fetch again`,
      );
    }
    ((await context.objects.stat(id)).kind === 'commit' ? commits : others).push(id);
  }
  return { commits, others };
}

/** Returns the commits of branches and tags that a client names in any of the ways of Git. */
function excludedBy({ excluded }: FetchArguments, { branches, tags }: GitRefs): string[] {
  return excluded.map((name) => {
    const short = name.replace(/^refs\//, '').replace(/^(heads|tags)\//, '');
    const isBranch = name.includes('heads/') || !name.includes('tags/');
    const id = (isBranch ? branches.get(short) : undefined) ?? tags.get(short);
    if (id === undefined) {
      throw new EngineError(
        'not_found',
        `Cannot leave out what "${name}" reaches: there is no such branch or tag`,
      );
    }
    return id;
  });
}

function filesOf(context: PfsContext, { filter }: FetchArguments): WantedFiles {
  if (filter === undefined || filter === 'none' || filter === 'commits') {
    return filter;
  }
  return async (id: string) => {
    const hit = await context.packs.find(id);
    // What is larger than any blob is a pointer: the size is that of the file it stands for.
    return hit !== undefined && (hit.entry.size < filter || hit.entry.size > MAX_BLOB_BYTES);
  };
}

async function* sendPack(
  context: PfsContext,
  plan: FetchPlan,
  { noProgress, onFault }: { noProgress: boolean; onFault: (error: unknown) => void },
): AsyncGenerator<Buffer> {
  const lines = [
    ...plan.shallow.map((id) => pkt(`shallow ${id}`)),
    ...plan.unshallow.map((id) => pkt(`unshallow ${id}`)),
  ];
  if (lines.length > 0) {
    yield Buffer.concat([pkt('shallow-info'), ...lines, DELIMITER]);
  }
  yield pkt('packfile');
  if (!noProgress) {
    const { size } = plan.objects;
    yield* onBand(PROGRESS_BAND, Buffer.from(`sends ${size} object${size === 1 ? '' : 's'}\n`));
  }
  try {
    for await (const piece of packStream(context, plan.objects)) {
      yield* onBand(DATA_BAND, piece);
    }
  } catch (error) {
    onFault(error);
    yield* onBand(ERROR_BAND, Buffer.from(`${toProblem(error).detail}\n`));
  }
  yield FLUSH;
}

// What Git pushes (gitprotocol-pack, "Pushing Data To a Server"): commands, a pack, and a report of how it went.

import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { IncomingPack } from '../../git/incoming-pack.ts';
import { isObjectId } from '../../git/object-id.ts';
import { FLUSH, type PktReader, pkt } from '../../git/pkt-line.ts';
import type { CommitRecord, RepoKey } from '../../journal/records.ts';
import type { PfsContext, Request } from '../../pfs/context.ts';
import { type GitRefs, gitRefs } from '../../pfs/git-refs.ts';
import { push } from '../../pfs/push.ts';
import type { Owned } from '../../pfs/pushed-objects.ts';
import { problemWith, type RefUpdate } from '../../pfs/ref-update.ts';
import { isFault, toProblem } from '../problem.ts';
import { DATA_BAND, onBand, PROGRESS_BAND } from './side-band.ts';

const NONE = '0'.repeat(40);
const CAPABILITIES = 'report-status delete-refs side-band-64k quiet atomic ofs-delta no-thin';

/** Returns what a client is told first: the refs as they are, and what can be asked for. */
export function advertiseReceivePack({ branches, tags }: GitRefs, version: string): Buffer {
  const refs = [
    ...Array.from(branches, ([name, id]) => `${id} refs/heads/${name}`),
    ...Array.from(tags, ([name, id]) => `${id} refs/tags/${name}`),
  ];
  const [first = `${NONE} capabilities^{}`, ...others] = refs;
  const capabilities = `${CAPABILITIES} object-format=sha1 agent=pfs/${version}`;
  return Buffer.concat([
    pkt('# service=git-receive-pack'),
    FLUSH,
    pkt(`${first}\0${capabilities}`),
    ...others.map((line) => pkt(line)),
    FLUSH,
  ]);
}

export interface Receiving {
  readonly repo: RepoKey;
  /** A folder for packs on their way. */
  readonly scratch: string;
  readonly owned: (refs: GitRefs) => Owned;
  readonly request: Request;
  readonly onFault: (error: unknown) => void;
}

interface Commands {
  readonly updates: readonly RefUpdate[];
  readonly capabilities: ReadonlySet<string>;
}

/** Carries out a push; yields the report. */
export async function* receivePack(
  context: PfsContext,
  reader: PktReader,
  receiving: Receiving,
): AsyncGenerator<Buffer> {
  const { updates, capabilities } = await readCommands(reader);
  if (updates.length === 0) {
    return;
  }
  const { lines, told } = await carryOut(context, reader, { ...receiving, updates, capabilities });
  const report = Buffer.concat([...lines.map((line) => pkt(line)), FLUSH]);
  if (!capabilities.has('side-band-64k')) {
    yield report;
    return;
  }
  if (told !== '' && !capabilities.has('quiet')) {
    yield* onBand(PROGRESS_BAND, Buffer.from(told));
  }
  yield* onBand(DATA_BAND, report);
  yield FLUSH;
}

async function readCommands(reader: PktReader): Promise<Commands> {
  const updates: RefUpdate[] = [];
  let capabilities: ReadonlySet<string> = new Set();
  for (const line of await reader.lines()) {
    const [command = '', words] = line.split('\0');
    if (words !== undefined) {
      capabilities = new Set(words.split(' '));
    }
    if (command.startsWith('shallow ')) {
      continue;
    }
    const [old = '', next = '', ...name] = command.split(' ');
    if (!isObjectId(old) || !isObjectId(next) || name.length === 0) {
      throw new EngineError('invalid', `Cannot read what Git sent: "${command}" is no command`);
    }
    const orNull = (id: string) => (id === NONE ? null : id);
    updates.push({ ref: name.join(' '), old: orNull(old), next: orNull(next) });
  }
  return { updates, capabilities };
}

async function carryOut(
  context: PfsContext,
  reader: PktReader,
  asked: Receiving & Commands,
): Promise<{ lines: string[]; told: string }> {
  const { repo, updates, capabilities, request } = asked;
  const problems = new Map(updates.map((update) => [update.ref, problemWith(update)]));
  const isSent = updates.some(({ next }) => next !== null);
  let pack: IncomingPack | undefined;
  try {
    if (isSent) {
      const path = join(asked.scratch, `push-${context.ids.next()}`);
      pack = await IncomingPack.receive(reader.rest(), path);
    }
    const fine = updates.filter(({ ref }) => problems.get(ref) === undefined);
    const isWhole = fine.length === updates.length || !capabilities.has('atomic');
    let heads: ReadonlyMap<string, CommitRecord> = new Map();
    if (isWhole && fine.length > 0) {
      const owned = asked.owned(await gitRefs(context, repo));
      heads = await push(context, { repo, updates: fine, pack, owned }, request);
    }
    const verdict = ({ ref }: RefUpdate) => {
      const problem = problems.get(ref) ?? (isWhole ? undefined : 'another one was refused');
      return problem === undefined ? `ok ${ref}` : `ng ${ref} ${oneLine(problem)}`;
    };
    return { lines: ['unpack ok', ...updates.map(verdict)], told: tell(heads) };
  } catch (error) {
    if (isFault(error)) {
      asked.onFault(error);
    }
    const reason = oneLine(toProblem(error).detail);
    const unpacked = isSent && pack === undefined ? `unpack ${reason}` : 'unpack ok';
    return { lines: [unpacked, ...updates.map(({ ref }) => `ng ${ref} ${reason}`)], told: '' };
  } finally {
    await pack?.close();
  }
}

function tell(heads: ReadonlyMap<string, CommitRecord>): string {
  return [...heads]
    .map(([ref, { id }]) => `${ref.replace(/^refs\/heads\//, '')} is at commit ${id}\n`)
    .join('');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 900);
}

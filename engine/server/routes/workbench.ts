// Sessions of people who work on one datum, over HTTP: what they send and what they are told go side by side in one request.

import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EngineError, systemCode } from '../../base/errors.ts';
import type { Attached } from '../../executor/executor.ts';
import { getJob, resolvePipeline } from '../../jobs/job-lookup.ts';
import { demandInputs } from '../../jobs/pipeline-maker.ts';
import type { ScratchFile } from '../../jobs/scratch-contents.ts';
import type { BenchPlace } from '../../jobs/workbench.ts';
import { BenchTalk } from '../bench-talk.ts';
import { decodeFrames, encodeFiles } from '../frames.ts';
import { param, pipelineOf } from '../http.ts';
import { askerOf } from '../identity.ts';
import type { EngineParts } from '../parts.ts';
import { decodeMessages, jsonOf, type SessionMessage } from '../session-messages.ts';
import { viewInput } from '../views.ts';
import {
  ASKED,
  type BenchEnd,
  type BenchStart,
  type DebugRequest,
  type RunLocalRequest,
  type TerminalSize,
  TOLD,
} from '../wire-workbench.ts';

const SHOWN_FILES = 1000;

/** Adds the routes of debugging a datum and of running one by a spec. */
export function workbenchRoutes(
  server: FastifyInstance,
  { context, workbench }: EngineParts,
): void {
  server.post(
    '/pipelines/:project/:pipeline/jobs/:id/datums/:datum/debug',
    async (request, reply) => {
      const job = await getJob(context, pipelineOf(request), param(request, 'id'));
      // Whoever is in the container sees all that the pipeline sees.
      demandInputs(context.journal.state, askerOf(request), resolvePipeline(context, job.pipeline));
      return talk(request, reply, async (bench, asked) => {
        const { command, terminal } = await first<DebugRequest>(asked);
        const code = await workbench.debug({
          job,
          datum: param(request, 'datum'),
          command: words(command),
          ...(terminal ? { terminal } : {}),
          signal: bench.gone,
          onNote: (line) => bench.tell(TOLD.note, line),
          onStart: (place) => bench.tell(TOLD.start, viewStart(place)),
          onOutput: (chunk, stream) =>
            bench.send(stream === 'stderr' ? TOLD.stderr : TOLD.stdout, chunk),
          use: (attached) => feed(attached, asked),
        });
        return {
          exitCode: code,
          ok: code === 0,
          reason: '',
          files: [],
          fileCount: 0,
          processMs: 0,
        };
      });
    },
  );

  server.post('/workbench', (request, reply) =>
    talk(request, reply, async (bench, asked) =>
      workbench.withScratch(async (directory) => {
        const wanted = await first<RunLocalRequest>(asked);
        const mounts = wanted.mounts.map((target, index) => ({
          source: join(directory, String(index)),
          target: mountTarget(target),
        }));
        await receiveFiles(asked, { directory, count: mounts.length });
        const files: BenchEnd['files'][number][] = [];
        let fileCount = 0;
        const outcome = await workbench.runLocal({
          asker: askerOf(request),
          text: wanted.spec,
          fileName: wanted.file,
          project: wanted.project,
          pipeline: wanted.pipeline,
          datum: wanted.datum ?? 0,
          mounts,
          signal: bench.gone,
          onNote: (line) => bench.tell(TOLD.note, line),
          onStart: (place) => bench.tell(TOLD.start, viewStart(place)),
          onLog: (chunk) => bench.send(TOLD.stdout, chunk),
          onOutput: async (output) => {
            const listed = async function* (): AsyncGenerator<ScratchFile> {
              for await (const file of output) {
                fileCount += 1;
                if (files.length < SHOWN_FILES) {
                  files.push({ path: `/${file.path}`, size: file.size });
                }
                yield file;
              }
            };
            await (wanted.output ? sendFiles(bench, listed()) : drain(listed()));
          },
        });
        const { exitCode, reason, state, stats } = outcome;
        const ok = state === 'success';
        return { exitCode, ok, reason, files, fileCount, processMs: stats.processMs };
      }),
    ),
  );
}

type Asked = AsyncGenerator<SessionMessage>;

/** Answers with messages while the request's own still come; whatever goes wrong is the last of them. */
function talk(
  request: FastifyRequest,
  reply: FastifyReply,
  work: (bench: BenchTalk, asked: Asked) => Promise<BenchEnd>,
): FastifyReply {
  const bench = new BenchTalk(reply);
  const asked = decodeMessages(request.body as AsyncIterable<Uint8Array>);
  void bench.run(() => work(bench, asked));
  return bench.reply;
}

async function first<T>(asked: Asked): Promise<T> {
  const message = await asked.next();
  if (message.done || message.value.kind !== ASKED.request) {
    throw new EngineError('invalid', 'Cannot start the session: its first message is no request');
  }
  return jsonOf<T>(message.value);
}

/** Gives a command what its user types, until that ends. */
async function feed(attached: Attached, asked: Asked): Promise<void> {
  for await (const message of asked) {
    if (message.kind === ASKED.input) {
      await attached.write(message.data);
    } else if (message.kind === ASKED.inputEnd) {
      attached.end();
    } else if (message.kind === ASKED.resize) {
      await attached.resize(jsonOf<TerminalSize>(message));
    }
  }
  await attached.exited;
}

/** Writes the directories that are to be mounted; each has its number as a name. */
async function receiveFiles(
  asked: Asked,
  mounts: { readonly directory: string; readonly count: number },
): Promise<void> {
  let open: WriteStream | undefined;
  for await (const parts of mounts.count > 0 ? decodeFrames(fileBytes(asked)) : []) {
    for (const { path, executable, data, first: isFirst, last, link } of parts) {
      const file = join(mounts.directory, safePath(path));
      if (isFirst) {
        await mkdir(dirname(file), { recursive: true, mode: 0o755 });
      }
      if (link) {
        await symlink(data.toString(), file);
        continue;
      }
      if (isFirst) {
        open = createWriteStream(file, { mode: executable ? 0o755 : 0o644 });
      }
      const stream = open;
      await new Promise<void>((resolve, reject) => {
        stream?.once('error', reject);
        const done = (error?: Error | null) => {
          stream?.off('error', reject);
          return error ? reject(error) : resolve();
        };
        stream?.write(data, (error) => (error || !last ? done(error) : stream.end(() => done())));
      });
    }
  }
  for (let index = 0; index < mounts.count; index++) {
    const source = join(mounts.directory, String(index));
    // A folder without files was not sent.
    await mkdir(source, { mode: 0o755 }).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') {
        throw error;
      }
    });
  }
}

async function* fileBytes(asked: Asked): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { value, done } = await asked.next();
    if (done || value.kind === ASKED.filesEnd) {
      return;
    }
    if (value.kind === ASKED.files) {
      yield value.data;
    }
  }
}

function safePath(path: string): string {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw new EngineError('invalid', `Cannot mount "${path}": it leads out of its directory`);
  }
  return path;
}

function mountTarget(target: string): string {
  const path = normalize(target).replace(/(.)\/+$/, '$1');
  if (!path.startsWith('/') || path === '/' || /^\/(?:pfs|dev|proc|sys)(?:\/|$)/.test(path)) {
    throw new EngineError(
      'invalid',
      `Cannot mount over "${target}" in the image: name an absolute path that is not /, and not below /pfs, /dev, /proc or /sys`,
    );
  }
  return path;
}

async function sendFiles(bench: BenchTalk, files: AsyncIterable<ScratchFile>): Promise<void> {
  const outgoing = async function* () {
    for await (const { path, executable, size, read } of files) {
      yield { path, executable, size, data: read() };
    }
  };
  for await (const chunk of encodeFiles(outgoing())) {
    await bench.send(TOLD.output, chunk);
  }
}

async function drain(files: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of files) {
    // Listed by whoever yields them.
  }
}

function viewStart({ datum, inputs, image, spec, warnings }: BenchPlace): BenchStart {
  const { reference, digest } = image.record;
  return {
    datum,
    inputs: inputs.map(viewInput),
    image: { reference, digest },
    command: spec.transform.cmd,
    warnings,
  };
}

function words(command: unknown): readonly string[] {
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string')) {
    throw new EngineError(
      'invalid',
      'Cannot start the session: its command must be a list of words',
    );
  }
  return command;
}

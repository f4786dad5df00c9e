// Writing a spec: it is checked while one types, what it would do is shown first, and then it is applied.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import type { Pipeline } from '../../engine/server/wire.ts';
import type { PipelinePreview, SpecValidation } from '../../engine/server/wire-previews.ts';
import { go, pathOf, projectOf } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { asApiError, engine } from '../data/api.ts';
import { announce } from '../data/live.ts';
import { needsSignIn } from '../data/session.ts';
import { useLive } from '../data/use-live.ts';
import { Head } from '../parts/head.tsx';
import { Await, Note } from '../parts/notice.tsx';
import { PreviewPane } from './preview-pane.tsx';
import { SpecEditor } from './spec-editor.tsx';
import { writtenText } from './spec-text.tsx';

const CHECK_AFTER_MS = 250;
const FILE = 'spec';
const TEMPLATE = `{
  "pipeline": { "name": "count" },
  "description": "Counts the words of each text.",
  "input": { "pfs": { "repo": "texts", "glob": "/*" } },
  "transform": {
    "image": "debian:12",
    "cmd": ["sh"],
    "stdin": ["for file in /pfs/texts/*; do wc -w < $file > /pfs/out/$(basename $file); done"]
  }
}
`;

/** Writes a new pipeline. */
export function NewPipelineView(): JSX.Element {
  return <Editor start={TEMPLATE} title="New pipeline" of={undefined} />;
}

/** Changes a pipeline. */
export function EditPipelineView({ params }: ViewProps): JSX.Element {
  const { project = '', pipeline = '' } = params;
  const path = pathOf('pipelines', project, pipeline);
  // What is being edited stays as it is, whatever others do meanwhile, also delete it; applying it then says so.
  const loaded = useLive(
    `edit ${path}`,
    (signal) =>
      engine.call('GET /pipelines/{project}/{pipeline}', {
        params: { project, pipeline },
        signal,
      }),
    () => false,
  );
  const [first, setFirst] = useState<{ readonly path: string; readonly value: Pipeline }>();
  useEffect(() => {
    if (loaded.value) {
      const { value } = loaded;
      setFirst((old) => (old?.path === path ? old : { path, value }));
    }
  }, [path, loaded.value]);
  if (first?.path !== path) {
    return (
      <>
        <Head crumbs={[{ text: 'Pipelines', href: '/pipelines' }]} title={`Edit ${pipeline}`} />
        <Await of={loaded}>{() => null}</Await>
      </>
    );
  }
  const start = writtenText(first.value);
  return <Editor key={path} start={start} title={`Edit ${pipeline}`} of={first.value} />;
}

type Check =
  | { readonly kind: 'running' }
  | { readonly kind: 'right'; readonly specs: readonly SpecValidation[] }
  | { readonly kind: 'wrong'; readonly error: ApiError };

function Editor({
  start,
  title,
  of,
}: {
  readonly start: string;
  readonly title: string;
  readonly of: Pipeline | undefined;
}): JSX.Element {
  const [text, setText] = useState(start);
  const [previews, setPreviews] = useState<readonly PipelinePreview[]>();
  const [failure, setFailure] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const project = of?.project ?? projectOf() ?? 'default';
  const query = { project, file: FILE, update: of !== undefined };
  const check = useCheck(text, project);
  const isRight = check.kind === 'right';
  useEffect(() => {
    setPreviews(undefined);
    setFailure(undefined);
  }, [text]);
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
    } catch (error) {
      setFailure(asApiError(error));
    } finally {
      setBusy(false);
    }
  };
  const preview = () =>
    attempt(async () => setPreviews(await engine.call('POST /previews', { query, body: text })));
  const apply = () =>
    attempt(async () => {
      const ifVersion = of && previews?.length === 1 ? of.version : undefined;
      const [change] = await engine.call('POST /pipelines', {
        query: { ...query, 'if-version': ifVersion },
        body: text,
      });
      announce();
      if (change) {
        go(pathOf('pipelines', change.pipeline.project, change.pipeline.name));
      }
    });
  return (
    <>
      <Head
        crumbs={[
          { text: 'Pipelines', href: '/pipelines' },
          ...(of ? [{ text: of.name, href: pathOf('pipelines', of.project, of.name) }] : []),
        ]}
        title={title}
      >
        <button type="button" disabled={!isRight || isBusy} onClick={() => void preview()}>
          Show what it would do
        </button>
        <button
          type="button"
          class="primary"
          disabled={previews === undefined || isBusy}
          onClick={() => void apply()}
        >
          {of ? 'Apply' : 'Create'}
        </button>
      </Head>
      <Verdict check={check} />
      {failure && <Note tone="bad">{withoutFile(failure.message)}</Note>}
      <div class="editing">
        <SpecEditor
          text={text}
          onInput={setText}
          problemLine={check.kind === 'wrong' ? lineOf(check.error.message) : undefined}
          describedBy="verdict"
        />
        {previews && <PreviewPane previews={previews} old={of} />}
      </div>
    </>
  );
}

function Verdict({ check }: { readonly check: Check }): JSX.Element {
  const warnings = check.kind === 'right' ? check.specs.flatMap((spec) => spec.warnings) : [];
  return (
    <div id="verdict" class="verdict" role="status">
      {check.kind === 'running' ? (
        <p class="muted">Checking…</p>
      ) : check.kind === 'wrong' ? (
        <Note tone="bad">
          <pre class="wrap">{withoutFile(check.error.message)}</pre>
        </Note>
      ) : (
        <Note tone="good">{`The spec is right: ${check.specs.map(saysOf).join(', ')}.`}</Note>
      )}
      {warnings.map((warning) => (
        <Note key={warning}>{withoutFile(warning)}</Note>
      ))}
    </div>
  );
}

/** Has the engine check a spec, a moment after the last key. */
function useCheck(text: string, project: string): Check {
  const [check, setCheck] = useState<Check>({ kind: 'running' });
  const isSignedOut = needsSignIn.value;
  useEffect(() => {
    if (isSignedOut) {
      return;
    }
    const ended = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const specs = await engine.call('POST /validations', {
          query: { project, file: FILE },
          body: text,
          signal: ended.signal,
        });
        setCheck({ kind: 'right', specs });
      } catch (error) {
        if (!ended.signal.aborted) {
          setCheck({ kind: 'wrong', error: asApiError(error) });
        }
      }
    }, CHECK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [text, project, isSignedOut]);
  return check;
}

function saysOf({ name, version }: SpecValidation): string {
  return version === 1 ? `${name} would be made` : `${name} would get version ${version}`;
}

/** Returns the line that a message names, as in `spec:3:22: …`. */
function lineOf(message: string): number | undefined {
  const [, line] = new RegExp(`\\b${FILE}:(\\d+)`).exec(message) ?? [];
  return line === undefined ? undefined : Number(line);
}

/** Takes the name of the file, which there is none of here, out of a message. */
function withoutFile(message: string): string {
  return message
    .replaceAll(new RegExp(`\\b${FILE}:(\\d+):(\\d+)`, 'g'), 'line $1, column $2')
    .replaceAll(new RegExp(`\\b${FILE}:(\\d+)`, 'g'), 'line $1');
}

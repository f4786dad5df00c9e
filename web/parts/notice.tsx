// What is shown in place of what one came for: while it loads, where it failed, and where there is nothing yet.

import type { ComponentChildren, JSX } from 'preact';
import type { ApiError } from '../../client/api-error.ts';
import type { Loaded } from '../data/use-live.ts';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icon.tsx';

/** A failure in a sentence, with a way to try again. */
export function Failure({
  error,
  retry,
}: {
  readonly error: Pick<ApiError, 'message' | 'status'>;
  readonly retry?: (() => void) | undefined;
}): JSX.Element {
  const title =
    error.status === 404 ? 'Not found' : error.status === 0 ? 'The engine is away' : 'That failed';
  return (
    <div class="notice tone-bad" role="alert">
      <Icon name={error.status === 404 ? 'search' : 'failure'} />
      <div>
        <strong>{title}</strong>
        <p>{error.message}</p>
        {retry && (
          <button type="button" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

/** Says something beside what one came for. */
export function Note({
  tone = 'warn',
  children,
}: {
  readonly tone?: 'warn' | 'bad' | 'quiet' | 'good';
  readonly children: ComponentChildren;
}): JSX.Element {
  const icon = tone === 'bad' ? 'failure' : tone === 'good' ? 'success' : 'warning';
  return (
    <div class={`notice tone-${tone}`}>
      {tone !== 'quiet' && <Icon name={icon} />}
      <div>{children}</div>
    </div>
  );
}

/** Shows what was loaded, or why it is not there. */
export function Await<T>({
  of,
  children,
}: {
  readonly of: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}): JSX.Element {
  const { value, error, reload } = of;
  if (value === undefined) {
    return error ? <Failure error={error} retry={reload} /> : <Loading />;
  }
  return <>{children(value)}</>;
}

/** Nothing yet. It shows only after a moment, since most things come sooner. */
export function Loading(): JSX.Element {
  return (
    <p class="loading" role="status">
      Loading…
    </p>
  );
}

/** Where there is nothing yet: what would be here, and the commands that make it. */
export function Empty({
  title,
  children,
  commands = [],
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly commands?: readonly { readonly says: string; readonly command: string }[];
}): JSX.Element {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
      {commands.length > 0 && (
        <ol>
          {commands.map(({ says, command }) => (
            <li key={command}>
              <p>{says}</p>
              <Command text={command} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** A command to copy. */
export function Command({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="command">
      <pre>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} what="the command" />
    </div>
  );
}

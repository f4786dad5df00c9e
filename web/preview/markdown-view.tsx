// Markdown as it is meant to look. It is drawn from what the parser found, element by element, so that nothing in it can become
// anything else: no HTML, no script, no request to anywhere but this engine.

import { type MarkedToken, marked, type Token, type Tokens } from 'marked';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { refParams } from '../../client/params.ts';
import { asApiError, engine } from '../data/api.ts';
import { Failure, Loading } from '../parts/notice.tsx';
import { Scroller } from '../parts/scroller.tsx';
import { type FilePlace, filePlace } from '../repos/places.ts';
import { type ByteSource, sourceOf } from './byte-source.ts';
import type { FileNature } from './file-kind.ts';
import { useBlob } from './media-view.tsx';
import { readNature } from './nature.ts';
import { TextView } from './text-view.tsx';

const MAX_BYTES = 1024 * 1024;

export function MarkdownView(props: {
  readonly source: ByteSource;
  readonly nature: FileNature;
}): JSX.Element {
  const { source, nature } = props;
  const [read, setRead] = useState<{ key: string; tokens?: Token[]; error?: ApiError }>();
  const { key, size } = source;
  useEffect(() => {
    const ended = new AbortController();
    source.read(0, Math.min(size, MAX_BYTES), ended.signal).then(
      (bytes) =>
        setRead({ key, tokens: marked.lexer(new TextDecoder(nature.encoding).decode(bytes)) }),
      (error) => !ended.signal.aborted && setRead({ key, error: asApiError(error) }),
    );
    return () => ended.abort();
  }, [key]);
  if (size > MAX_BYTES) {
    return <TextView {...props} />;
  }
  if (read?.key !== key) {
    return <Loading />;
  }
  if (!read.tokens) {
    return <>{read.error && <Failure error={read.error} />}</>;
  }
  return <article class="markdown">{draw(read.tokens, source.place)}</article>;
}

function draw(tokens: readonly Token[] | undefined, place: FilePlace): ComponentChildren {
  return (tokens ?? []).map((token) => one(token as MarkedToken, place));
}

function one(token: MarkedToken, place: FilePlace): ComponentChildren {
  const inner = () => draw('tokens' in token ? token.tokens : undefined, place);
  switch (token.type) {
    case 'heading':
      return heading(token.depth, inner());
    case 'paragraph':
      return <p>{inner()}</p>;
    case 'text':
      return token.tokens ? inner() : token.text;
    case 'escape':
      return token.text;
    case 'strong':
      return <strong>{inner()}</strong>;
    case 'em':
      return <em>{inner()}</em>;
    case 'del':
      return <del>{inner()}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'code':
      return (
        <Scroller class="code" label="Code">
          <pre>
            <code>{token.text}</code>
          </pre>
        </Scroller>
      );
    case 'blockquote':
      return <blockquote>{inner()}</blockquote>;
    case 'hr':
      return <hr />;
    case 'br':
      return <br />;
    case 'list':
      return list(token, place);
    case 'table':
      return table(token, place);
    case 'link':
      return (
        <Link href={token.href} place={place}>
          {inner()}
        </Link>
      );
    case 'image':
      return <Picture href={token.href} text={token.text} place={place} />;
    case 'html':
      return html(token);
    default:
      return null;
  }
}

/** HTML as it is written: what it would do is not for this page to do, and what it says is not to be lost. */
function html({ block, text }: Tokens.HTML | Tokens.Tag): JSX.Element {
  const written = text.trim();
  if (/^<br\s*\/?>$/i.test(written)) {
    return <br />;
  }
  return block ? <pre class="wrap muted">{written}</pre> : <code class="muted">{written}</code>;
}

function heading(depth: number, inner: ComponentChildren): JSX.Element {
  // The view has the first rank for itself.
  switch (depth) {
    case 1:
      return <h2 class="first">{inner}</h2>;
    case 2:
      return <h3 class="second">{inner}</h3>;
    default:
      return <h4>{inner}</h4>;
  }
}

function list({ ordered, start, items }: Tokens.List, place: FilePlace): JSX.Element {
  const rows = items.map((item, index) => (
    <li key={index} class={item.task ? 'task' : undefined}>
      {item.task && <input type="checkbox" disabled checked={item.checked} aria-label="Done" />}
      {draw(item.tokens, place)}
    </li>
  ));
  return ordered ? <ol start={Number(start) || 1}>{rows}</ol> : <ul>{rows}</ul>;
}

function table({ header, rows }: Tokens.Table, place: FilePlace): JSX.Element {
  const cells = (row: readonly Tokens.TableCell[], Cell: 'th' | 'td') =>
    row.map((cell, index) => (
      <Cell key={index} class={cell.align === 'right' ? 'number' : undefined}>
        {draw(cell.tokens, place)}
      </Cell>
    ));
  return (
    <Scroller class="sheet" label="Table">
      <table>
        <thead>
          <tr>{cells(header, 'th')}</tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>{cells(row, 'td')}</tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function Link({
  href,
  place,
  children,
}: {
  readonly href: string;
  readonly place: FilePlace;
  readonly children: ComponentChildren;
}): JSX.Element {
  if (/^(?:https?|mailto):/i.test(href)) {
    return (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    );
  }
  const path = pathFrom(place, href);
  return path === undefined ? (
    <span>{children}</span>
  ) : (
    <a href={filePlace({ ...place, path })}>{children}</a>
  );
}

/** A picture of the same commit; another one is named and not asked for. */
function Picture({
  href,
  text,
  place,
}: {
  readonly href: string;
  readonly text: string;
  readonly place: FilePlace;
}): JSX.Element {
  const path = pathFrom(place, href);
  const [found, setFound] = useState<ByteSource>();
  const { repo, ref } = place;
  useEffect(() => {
    if (path === undefined) {
      return;
    }
    engine
      .call('GET /repos/{project}/{repo}/files/{ref}/inspect', {
        params: refParams(repo, ref),
        query: { path: `/${path}` },
      })
      .then(
        (file) => setFound(sourceOf({ repo, ref, path }, file)),
        () => undefined,
      );
  }, [path]);
  return found ? (
    <Loaded source={found} text={text} />
  ) : (
    <span class="muted">[{text || href}]</span>
  );
}

function Loaded({
  source,
  text,
}: {
  readonly source: ByteSource;
  readonly text: string;
}): JSX.Element {
  const [type, setType] = useState('image/png');
  useEffect(() => {
    readNature(source).then(
      (nature) => setType(nature.type),
      () => undefined,
    );
  }, [source.key]);
  const { address } = useBlob({ ...source, key: `${source.key} ${type}` }, type);
  return address === undefined ? (
    <span class="muted">[{text}]</span>
  ) : (
    <img src={address} alt={text} />
  );
}

/** Returns the path in the commit that a reference leads to; undefined where it leads elsewhere. */
function pathFrom({ path }: FilePlace, href: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:|^\/\/|^#/i.test(href)) {
    return undefined;
  }
  // Only for its rules of how references are resolved.
  const base = new URL(`http://commit/${path.split('/').map(encodeURIComponent).join('/')}`);
  try {
    return decodeURIComponent(new URL(href, base).pathname).replace(/^\/|\/$/g, '');
  } catch {
    return undefined;
  }
}

// What is around every view: navigation, whether the engine answers, and the view that the address names.

import type { ComponentType, JSX } from 'preact';
import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import { asApiError, engine } from '../data/api.ts';
import { isAway, pause } from '../data/live.ts';
import { needsSignIn } from '../data/session.ts';
import { useLive } from '../data/use-live.ts';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Failure, Loading } from '../parts/notice.tsx';
import { UploadTray } from '../repos/upload-tray.tsx';
import { match, place, projectOf, setQuery, withQuery } from './router.ts';
import { ROUTES } from './routes.ts';
import { Shortcuts } from './shortcuts.tsx';
import { SignIn } from './sign-in.tsx';
import { nextTheme, theme } from './theme.ts';
import type { Route, Section, ViewProps } from './view.ts';

const SECTIONS: readonly {
  readonly name: Section;
  readonly title: string;
  readonly href: string;
}[] = [
  { name: 'graph', title: 'Graph', href: '/' },
  { name: 'pipelines', title: 'Pipelines', href: '/pipelines' },
  { name: 'jobs', title: 'Jobs', href: '/jobs' },
  { name: 'repos', title: 'Repos', href: '/repos' },
];

const RETRY_AFTER_MS = 700;

/** The page. */
export function Shell(): JSX.Element {
  const { path } = place.value;
  const found = routeOf(path);
  const [asked, setAsked] = useState(0);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/" aria-label="pfs, the graph">
          <BrandMark />
          <span>pfs</span>
        </a>
        <nav class="sections" aria-label="Main">
          {SECTIONS.map(({ name, title, href }) => (
            <a
              key={name}
              href={withQuery(href, { project: projectOf() })}
              aria-current={found?.route.section === name ? 'page' : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
        <div class="top-end">
          {!needsSignIn.value && <ProjectChoice />}
          <a class="button quiet" href="/docs/" title="Documentation">
            Docs
          </a>
          <button
            type="button"
            class="quiet"
            title={`Theme: ${theme.value}`}
            aria-label={`Theme: ${theme.value}; change`}
            onClick={nextTheme}
          >
            <Icon name="theme" />
          </button>
          <button
            type="button"
            class="quiet"
            title="Keys"
            aria-label="Show the keys"
            onClick={() => setAsked(asked + 1)}
          >
            <Icon name="help" />
          </button>
        </div>
      </header>
      {isAway.value && (
        <p class="away" role="status">
          The engine does not answer. What is shown may be old; the page goes on by itself once it
          does.
        </p>
      )}
      {needsSignIn.value && <SignIn />}
      <Main found={found} path={path} />
      <UploadTray />
      <Shortcuts asked={asked} />
    </>
  );
}

interface Found {
  readonly route: Route;
  readonly params: ViewProps['params'];
}

function Main({ found, path }: { readonly found: Found | undefined; readonly path: string }) {
  useEffect(() => {
    document.title = found ? `${found.route.title(found.params)} · pfs` : 'Not found · pfs';
  }, [path]);
  return (
    // Behind the sign-in it stays as it is: nobody loses what they have typed.
    <main id={needsSignIn.value ? undefined : 'main'} tabIndex={-1} hidden={needsSignIn.value}>
      {found ? (
        <View key={found.route.path} {...found} />
      ) : (
        <>
          <Head title="Not found" />
          <Failure
            error={{ status: 404, message: `Cannot find "${path}": the page has no such place` }}
          />
        </>
      )}
    </main>
  );
}

function View({ route, params }: Found): JSX.Element {
  const [loaded, setLoaded] = useState<{ readonly view: ComponentType<ViewProps> }>();
  const [failure, setFailure] = useState<unknown>();
  const [broken, mend] = useErrorBoundary();
  useEffect(() => {
    // A connection may break; what is gone for good fails again.
    const again = () => pause(RETRY_AFTER_MS).then(route.load);
    route
      .load()
      .catch(again)
      .then((view) => setLoaded({ view }), setFailure);
  }, [route]);
  if (failure !== undefined) {
    // The build is another one since the page was loaded, or the engine is away.
    const message =
      'Cannot load this view: the engine is away, or has been updated; load the page again';
    return <Failure error={{ status: 0, message }} retry={() => location.reload()} />;
  }
  if (broken !== undefined) {
    return <Failure error={asApiError(broken)} retry={mend} />;
  }
  return loaded ? <loaded.view params={params} /> : <Loading />;
}

/** Chooses whose repos and pipelines are shown; not there where there is one project. */
function ProjectChoice(): JSX.Element | null {
  const { value: projects = [] } = useLive(
    'projects',
    (signal) => engine.all('GET /projects', { signal }),
    (change) => change.projects.length > 0,
  );
  if (projects.length < 2) {
    return null;
  }
  return (
    <label class="project">
      <span class="unseen">Project</span>
      <select
        value={projectOf() ?? ''}
        onChange={(event) => setQuery({ project: event.currentTarget.value })}
      >
        <option value="">All projects</option>
        {projects.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function BrandMark(): JSX.Element {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true" class="brand-mark">
      <path d="M4 4.5h2.5c3 0 1 7 4 7H12" />
      <circle cx="3.5" cy="4.5" r="2.2" />
      <circle cx="12.5" cy="11.5" r="2.2" />
    </svg>
  );
}

function routeOf(path: string): Found | undefined {
  for (const route of ROUTES) {
    const params = match(route.path, path);
    if (params) {
      return { route, params };
    }
  }
  return undefined;
}

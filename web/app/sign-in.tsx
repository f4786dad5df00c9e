// Where the engine asks who one is: a token is typed in once, and kept as a cookie that no script can read.

import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../../client/api-error.ts';
import { asApiError, engine } from '../data/api.ts';
import { announce, pause } from '../data/live.ts';
import { keepToken, needsSignIn } from '../data/session.ts';
import { Command, Failure } from '../parts/notice.tsx';

const NOBODY = '';
const ASK_AGAIN_MS = 500;

/** Whose page it is; undefined where the engine has not told. */
let owner: Promise<string | undefined> = Promise.resolve(NOBODY);

/** Asks whose page it is: what it holds is not for another. */
export function askOwner(): void {
  owner = readOwner();
}

async function readOwner(): Promise<string | undefined> {
  for (;;) {
    try {
      return (await engine.call('GET /session')).name;
    } catch (error) {
      const { status } = asApiError(error);
      if (status !== 0) {
        return status === 401 ? NOBODY : undefined;
      }
    }
    await pause(ASK_AGAIN_MS);
  }
}

/** Signs in with the code of one use that `pfs ui` puts behind the address, and takes it out of sight. */
export async function redeemCode(): Promise<void> {
  const [, code] = /^#code=([\w.-]+)$/.exec(location.hash) ?? [];
  if (code === undefined) {
    return;
  }
  history.replaceState(null, '', location.pathname + location.search);
  try {
    await engine.call('POST /session', { body: { code } });
  } catch {
    // It was used before, or is too old: the page asks for the token.
  }
}

/** Asks for the token. Whoever signs in again goes on where they were; for another the page begins anew, at the same place. */
export function SignIn(): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    field.current?.focus();
    return () =>
      requestAnimationFrame(() => {
        if (before instanceof HTMLElement && before.isConnected) {
          before.focus({ preventScroll: true });
        }
      });
  }, []);
  const [failure, setFailure] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const signIn = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get('token')).trim();
    setBusy(true);
    try {
      const name = await begin(token);
      const before = await owner;
      if (before !== NOBODY && before !== name) {
        location.reload();
        return;
      }
      owner = Promise.resolve(name);
      needsSignIn.value = false;
      announce();
    } catch (error) {
      setFailure(asApiError(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="sign-in" id="main">
      <h1>Sign in</h1>
      <p>
        The engine answers only those who have a token. On its own machine, this opens the page
        signed in:
      </p>
      <Command text="pfs ui" />
      <form onSubmit={(event) => void signIn(event)}>
        <label for="token">Token</label>
        <input
          ref={field}
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          spellcheck={false}
        />
        <p class="hint">
          The engine keeps it in the file <code>token</code> of its <code>PFS_HOME</code>.
        </p>
        {failure && <Failure error={failure} />}
        <button type="submit" class="primary" disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  );
}

/** Has the engine give a cookie for the token; where it gives none, the token lives as long as the tab. Resolves with who it is. */
async function begin(token: string): Promise<string> {
  try {
    await engine.call('POST /session', { body: { token } });
    keepToken(undefined);
    return (await engine.call('GET /session')).name;
  } catch (error) {
    if (asApiError(error).status === 0) {
      throw error;
    }
    return await beginWithout(token);
  }
}

async function beginWithout(token: string): Promise<string> {
  keepToken(token);
  try {
    return (await engine.call('GET /session')).name;
  } catch (error) {
    keepToken(undefined);
    throw error instanceof ApiError && error.status === 401
      ? new ApiError(
          { ...error, detail: 'Cannot sign in: the engine does not know this token' },
          { cause: error },
        )
      : error;
  }
}

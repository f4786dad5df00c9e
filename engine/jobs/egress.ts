// Egress as a part of a job: what was computed goes to the places outside that the spec names. What they may hold is noted
// in the journal before anything is sent, so that whoever goes on knows what to take away.

import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type { EgressTarget } from '../egress/outgoing.ts';
import {
  type EgressSettings,
  type EgressWish,
  egressTargets,
  mayHeal,
  type S3Credentials,
} from '../egress/target.ts';
import type { EgressRecord } from '../journal/egress-records.ts';
import type { Operation } from '../journal/operations.ts';
import type { JobRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Egress as EgressSpec } from '../pipeline/spec.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { outgoingTree } from './outgoing-tree.ts';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

export interface EgressOptions {
  readonly context: PfsContext;
  readonly secrets: Secrets;
  readonly settings: EgressSettings;
  readonly clock: Clock;
}

/** One output to be sent. */
export interface Sending {
  readonly job: JobRecord;
  readonly owner: string;
  readonly spec: EgressSpec;
  /** The output; its packs are live once `packs` are journaled. */
  readonly tree: string | null;
  readonly packs: readonly Operation[];
  readonly signal: AbortSignal;
  /** Tells people what goes on. */
  readonly say: (line: string) => void | Promise<void>;
}

/** Sends outputs of jobs. */
export class Egress {
  readonly #options: EgressOptions;

  constructor(options: EgressOptions) {
    this.#options = options;
  }

  /**
   * Makes the places of a spec hold what the output does. What may heal is tried again for a while. Resolves with why it
   * failed in the end, empty where it did not; rejects with `cancelled` when the signal aborts, and as the journal does.
   */
  async send(sending: Sending): Promise<string> {
    const { job, spec, tree, signal } = sending;
    let targets: readonly EgressTarget[];
    try {
      const { settings } = this.#options;
      targets = egressTargets(this.#wish(spec), { settings, sender: job.pipelineId });
    } catch (error) {
      await this.#journal(sending, []);
      return failure(error);
    }
    const name = targets.map((target) => target.name).join(' ');
    const known = this.#options.context.journal.state.egress.get(job.pipelineId);
    const earlier = known?.target === name ? known : undefined;
    const isDone = earlier?.isComplete === true && earlier.trees[0] === tree;
    const trees = isDone ? [tree] : [...new Set([...(earlier?.trees ?? []), tree])];
    const { pipeline, pipelineId, id } = job;
    const note: EgressRecord = {
      pipeline,
      pipelineId,
      job: id,
      target: name,
      trees,
      isComplete: isDone,
    };
    await this.#journal(sending, [note]);
    // An attempt that was cut off may have changed anything that either holds.
    const outgoing = outgoingTree(this.#options.context, tree, isDone ? note : earlier);
    for (const target of targets) {
      const reason = await this.#persist(target, {
        ...sending,
        once: () => target.send(outgoing, signal),
      });
      if (reason !== '') {
        return reason;
      }
    }
    await this.#journal({ ...sending, packs: [] }, [{ ...note, trees: [tree], isComplete: true }]);
    return '';
  }

  async #persist(
    target: EgressTarget,
    sending: Sending & { readonly once: () => Promise<void> },
  ): Promise<string> {
    const { clock, settings } = this.#options;
    const { signal, say, once } = sending;
    const started = clock.monotonic();
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(delay * 2, LAST_RETRY_MS)) {
      try {
        await once();
        await say(`sent the output to ${target.name}`);
        return '';
      } catch (error) {
        if (signal.aborted || isEngineError(error, 'cancelled')) {
          throw cancelled(error);
        }
        const left = settings.retryMs - (clock.monotonic() - started);
        if (!mayHeal(error) || left <= 0) {
          return failure(error);
        }
        const wait = Math.min(delay, left);
        await say(`${errorText(error)}; trying again in ${Math.ceil(wait / 1000)} s`);
        await clock.sleep(wait, { signal });
      }
    }
  }

  #wish(spec: EgressSpec): EgressWish {
    const { url, object_storage: storage, sql_database: database } = spec;
    const files = storage?.url ?? url;
    const { file_format: format, secret } = database ?? {};
    return {
      ...(files ? { files: { url: files, credentials: this.#credentials(storage?.secret) } } : {}),
      ...(database
        ? {
            tables: {
              url: database.url,
              password: secret && this.#text(secret.name, secret.key),
              format: format?.type === 'JSON' ? 'JSON' : 'CSV',
              columns: format?.columns?.length ? format.columns : undefined,
            },
          }
        : {}),
    };
  }

  #credentials(secret: { readonly name: string } | undefined): S3Credentials | undefined {
    if (secret === undefined) {
      return undefined;
    }
    const { values } = this.#options.secrets.open(secret.name);
    const token = values.get('AWS_SESSION_TOKEN')?.toString().trim();
    return {
      accessKey: this.#text(secret.name, 'AWS_ACCESS_KEY_ID'),
      secretKey: this.#text(secret.name, 'AWS_SECRET_ACCESS_KEY'),
      ...(token ? { sessionToken: token } : {}),
    };
  }

  /** Files of passwords often end with a line's end that is no part of them. */
  #text(secret: string, key: string): string {
    return this.#options.secrets
      .value(secret, key)
      .toString('utf8')
      .replace(/\r?\n$/, '');
  }

  async #journal(
    sending: Pick<Sending, 'packs' | 'owner'>,
    notes: readonly EgressRecord[],
  ): Promise<void> {
    const { packs, owner } = sending;
    await this.#options.context.journal.transact(
      () => ({
        operations: [
          ...packs,
          ...notes.map((egress): Operation => ({ kind: 'egress.noted', egress, owner })),
        ],
        result: null,
      }),
      { actor: 'engine' },
    );
  }
}

function failure(error: unknown): string {
  return `egress failed: ${errorText(error)}`;
}

function cancelled(cause: unknown): EngineError {
  return new EngineError('cancelled', 'Cannot go on with the egress: it was stopped', { cause });
}

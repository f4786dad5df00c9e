// The buckets of datums at work: keys that open nothing else and end with the command, at a door of their own where containers
// reach the engine.

import { EngineError, errorText } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { EngineHost } from '../../executor/executor.ts';
import type { BucketDoor, DatumBuckets, OpenBuckets } from '../../jobs/datum-buckets.ts';
import type { OutFolder } from '../../jobs/out-folder.ts';
import { OUTPUT_BUCKET } from '../../pipeline/s3-rules.ts';
import type { Bucket } from './bucket.ts';
import type { Credentials, Signer } from './credentials.ts';
import { type DoorOptions, openS3Door } from './door.ts';

interface JobBucketsOptions extends Omit<DoorOptions, 'credentials' | 'certificate'> {
  readonly random: Random;
  /** Where commands reach this engine; asked when the first datum needs it. */
  readonly host: () => Promise<EngineHost>;
}

type Door = Awaited<ReturnType<typeof openS3Door>>;

/** Serves the datums of this engine's workers. */
export class JobBuckets implements BucketDoor, Credentials {
  readonly #options: JobBucketsOptions;
  readonly #signers = new Map<string, Signer>();
  #door: Promise<{ readonly door: Door; readonly address: string }> | undefined;

  constructor(options: JobBucketsOptions) {
    this.#options = options;
  }

  find(accessKey: string): Signer | undefined {
    return this.#signers.get(accessKey);
  }

  async open({ inputs, isOutput }: DatumBuckets, out: OutFolder): Promise<OpenBuckets> {
    const { random, uploads } = this.#options;
    const { address } = await this.#opened();
    const accessKey = random.bytes(10).toString('hex');
    const secret = random.bytes(32).toString('hex');
    const buckets = new Map<string, Bucket>();
    for (const [name, { repo, commit }] of inputs) {
      buckets.set(name, { name, repo, ref: commit, fixed: true });
    }
    const output: Bucket = { name: OUTPUT_BUCKET, repo: '', ref: accessKey, out };
    if (isOutput) {
      buckets.set(OUTPUT_BUCKET, output);
    }
    this.#signers.set(accessKey, { secret, actor: 'engine', may: () => false, buckets });
    return {
      environment: {
        S3_ENDPOINT: address,
        AWS_ENDPOINT_URL: address,
        AWS_ENDPOINT_URL_S3: address,
        AWS_ACCESS_KEY_ID: accessKey,
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_REGION: 'us-east-1',
        AWS_DEFAULT_REGION: 'us-east-1',
      },
      close: async () => {
        this.#signers.delete(accessKey);
        for (const upload of uploads.list(output)) {
          await uploads.end(upload);
        }
      },
    };
  }

  /** Ends the door, if it was ever opened. */
  async close(): Promise<void> {
    this.#signers.clear();
    await (await this.#door?.catch(() => undefined))?.door.close();
  }

  async #opened(): Promise<{ readonly address: string }> {
    this.#door ??= this.#listen();
    try {
      return await this.#door;
    } catch (error) {
      // A network that comes later is found then.
      this.#door = undefined;
      throw error;
    }
  }

  async #listen(): Promise<{ readonly door: Door; readonly address: string }> {
    const { listen, host } = await this.#options.host();
    const parts = { ...this.#options, credentials: this };
    const door = await openS3Door(parts, { host: listen, port: 0 }).catch((error: unknown) => {
      throw new EngineError(
        'failed_precondition',
        `Cannot serve S3 to commands at "${listen}": ${errorText(error)}; set PFS_S3_JOBS to an address of this machine that they reach`,
        { cause: error },
      );
    });
    const { port } = new URL(door.address);
    return { door, address: `http://${host}:${port}` };
  }
}

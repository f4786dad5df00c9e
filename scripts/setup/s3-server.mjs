// A real S3 server for the tests: an endpoint that is given, a program that is on the machine, or one built from
// source. The tests start and stop it themselves; here it is only made available.

import { goInstall } from './go.mjs';
import { withLock } from './lock.mjs';
import { findProgram, run } from './run.mjs';

const module = 'github.com/minio/minio@latest';
const image = 'minio/minio:latest';

/** Returns `{ found }` with what the tests will use, or `{ reason }` why there is no S3 server. */
export async function ensureS3Server() {
  const given = process.env.PFS_TEST_S3_ENDPOINT;
  if (given) {
    return { found: `the endpoint ${given}` };
  }
  const program = findServer();
  if (program) {
    return { found: program };
  }
  if (!findProgram('go')) {
    return (await findImage())
      ? { found: `the image ${image}` }
      : { reason: lacking('Go is not installed to build one') };
  }
  return withLock('s3-server', async () => {
    const built = findServer();
    return built ? { found: built } : build();
  });
}

function findServer() {
  return ['minio', 'weed', 'versitygw'].map(findProgram).find(Boolean);
}

/** Whether the image is here, or can be pulled: a tag that exists is never replaced by a newer one. */
async function findImage() {
  if ((await run('docker', ['image', 'inspect', '--format', '{{.Id}}', image])).code === 0) {
    return true;
  }
  const result = await run('docker', ['pull', '--quiet', image], { timeoutMs: 5 * 60_000 });
  return result.code === 0;
}

async function build() {
  const state = await goInstall(module, 'MinIO');
  const program = findServer();
  if (state === undefined && program) {
    return { found: program };
  }
  return (await findImage())
    ? { found: `the image ${image}` }
    : { reason: lacking(`building one failed: ${state}`) };
}

function lacking(why) {
  return `no S3 server: neither minio, weed nor versitygw is on the PATH, the image ${image} cannot be pulled, and ${why}`;
}

// The images of the examples, built from docker/. A tag that exists is used as it is and never replaced.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { ensureBaseImage, hasImage } from './base-image.mjs';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { mustRun, run } from './run.mjs';
import { say, step } from './say.mjs';

/** The examples' images: tag and build context. */
export const exampleImages = [
  { tag: 'pachyderm/iris-train:python-svm', context: 'docker/iris-train' },
  { tag: 'pfs/examples:1', context: 'docker/examples' },
];

/** The label that says from which sources an image of ours was built. */
const sourceLabel = 'pfs.example-source';

/** Builds the images that are missing. Needs a reachable Docker engine. */
export async function ensureExampleImages() {
  if ((await missingImages()).length === 0) {
    return;
  }
  await withLock(
    'images',
    async () => {
      // Looked at again: another set-up may have built them while this one waited.
      for (const image of await missingImages()) {
        const base = await ensureBaseImage();
        await step(`building the image ${image.tag} on ${base}`, () => build(image, base));
      }
    },
    { machine: true },
  );
}

async function missingImages() {
  const missing = [];
  for (const image of exampleImages) {
    if (!(await hasImage(image.tag))) {
      missing.push(image);
      continue;
    }
    const format = `{{index .Config.Labels "${sourceLabel}"}}`;
    const found = await run('docker', ['image', 'inspect', '--format', format, image.tag]);
    const label = found.stdout.trim();
    if (/^[0-9a-f]{16}$/.test(label) && label !== sourceOf(image)) {
      say(
        `the image ${image.tag} was built from an older ${image.context} and is kept; to have it built anew: docker rmi ${image.tag}`,
      );
    }
  }
  return missing;
}

async function build(image, base) {
  const args = ['build', '--quiet', '--build-arg', `BASE=${base}`];
  args.push(
    '--label',
    `${sourceLabel}=${sourceOf(image)}`,
    '--tag',
    image.tag,
    `${root}/${image.context}`,
  );
  // Clients without buildx have only the classic builder, and the Dockerfiles need nothing newer.
  const buildx = (await run('docker', ['buildx', 'version'])).code === 0;
  const env = buildx ? {} : { DOCKER_BUILDKIT: '0' };
  await mustRun('docker', args, { env, timeoutMs: 30 * 60_000 });
}

function sourceOf(image) {
  const hash = createHash('sha256');
  const folder = `${root}/${image.context}`;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (statSync(`${folder}/${name}`).isFile()) {
      hash.update(`${name}\0`).update(readFileSync(`${folder}/${name}`));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

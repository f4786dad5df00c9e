// The whole set-up, in the order in which its parts need each other. Each part does nothing where it was done before.

import { ensureBuild } from './build.mjs';
import { checkNode, ensureDependencies } from './dependencies.mjs';
import { ensureDocker } from './docker.mjs';
import { ensureExampleImages } from './example-images.mjs';
import { ensureS3Server } from './s3-server.mjs';
import { ensureClients, ensureTools } from './tools.mjs';

/** The packages: all that tools and most tests need. */
export async function ensurePackages() {
  checkNode();
  await ensureDependencies();
}

/** The packages and dist/: what `bin/pfs` needs. */
export async function ensureProgram() {
  await ensurePackages();
  await ensureBuild();
}

/** A Docker engine and the examples' images. Rejects with the remedy where there is none to be had. */
export async function ensureContainers() {
  await ensureDocker();
  await ensureExampleImages();
}

/** What tests can use of the world: returns one sentence for each thing that is lacking, under the need it concerns. */
export async function ensureTestParts(needs) {
  const lacking = { docker: [], s3: [], tools: [] };
  if (needs.docker) {
    try {
      await ensureContainers();
    } catch (error) {
      lacking.docker.push(error.message);
    }
  }
  if (needs.tools) {
    lacking.tools.push(...(await ensureTools()));
  }
  if (needs.clients) {
    lacking.tools.push(...(await ensureClients()));
  }
  if (needs.s3) {
    const server = await ensureS3Server();
    lacking.s3.push(...(server.reason ? [server.reason] : []));
  }
  return lacking;
}

// What the bench compares with, and an S3 server: installed where that is possible without asking anybody.

import { tryInstall } from './apt.mjs';
import { ensureDocker } from './docker.mjs';
import { findProgram } from './run.mjs';
import { ensureS3Server } from './s3-server.mjs';
import { SetupError } from './say.mjs';
import { ensureTools } from './tools.mjs';

/** Needs that are more than a program of that name. */
const PARTS = new Set(['s3', 'docker']);

/**
 * Makes the named programs available, `s3` standing for a server, `docker` for an engine and what small images are made of;
 * returns one sentence for each that stays missing.
 */
export async function ensureBenchTools(needs) {
  const programs = needs.filter((need) => !PARTS.has(need));
  const missing = programs.filter((name) => !findProgram(name));
  if (missing.length > 0) {
    // Debian's packages are named like the programs.
    await tryInstall(missing, 'The bench compares with programs that are not here');
  }
  const lacking = programs
    .filter((name) => !findProgram(name))
    .map((name) => `${name} is not installed: rows that compare with it cannot be measured`);
  if (needs.includes('s3')) {
    const { reason } = await ensureS3Server();
    lacking.push(...(reason ? [reason] : []));
  }
  if (needs.includes('docker')) {
    lacking.push(...(await ensureContainers()));
  }
  return lacking;
}

async function ensureContainers() {
  try {
    await ensureDocker();
    return await ensureTools();
  } catch (error) {
    if (error instanceof SetupError) {
      return [error.message];
    }
    throw error;
  }
}

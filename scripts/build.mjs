// `npm run build`: dependencies where they are missing, then dist/.

import { ensureBuild } from './setup/build.mjs';
import { checkNode, ensureDependencies } from './setup/dependencies.mjs';
import { complain } from './setup/say.mjs';

try {
  checkNode();
  await ensureDependencies();
  await ensureBuild({ force: true });
} catch (error) {
  complain(error);
  process.exitCode = 1;
}

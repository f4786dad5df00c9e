// `npm run setup`: everything that the demo and the tests need, made ready beforehand.

import { complain, duration, say } from './setup/say.mjs';
import { ensureProgram, ensureTestParts } from './setup/setup.mjs';

const started = performance.now();
try {
  await ensureProgram();
  const lacking = await ensureTestParts({ docker: true, s3: true, tools: true });
  const reasons = Object.values(lacking).flat();
  for (const reason of reasons) {
    complain(reason);
  }
  process.exitCode = reasons.length > 0 ? 1 : 0;
  say(`set-up took ${duration(performance.now() - started)}`);
} catch (error) {
  complain(error);
  process.exitCode = 1;
}

// Loaded before a script of the set-up: makes Node tell of the machine that FAKE_SYSTEM describes, in place of this one.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { folder, uid, platform, node } = JSON.parse(process.env.FAKE_SYSTEM);
const elsewhere = ['/etc/', '/proc/mounts', '/run/systemd/'];

process.getuid = () => uid;
Object.defineProperty(process, 'platform', { value: platform });
Object.defineProperty(process, 'versions', { value: { ...process.versions, node } });
for (const name of ['existsSync', 'readFileSync', 'readdirSync']) {
  const real = fs[name];
  fs[name] = (path, ...rest) =>
    real(elsewhere.some((each) => String(path).startsWith(each)) ? folder + path : path, ...rest);
}
syncBuiltinESMExports();

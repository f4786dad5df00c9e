// A store in the hands of a user whose disk fails: checked, repaired and mirrored from the command line.

import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CliHome } from '../support/cli.ts';
import { mountDisk, remountDisk, unmountDisk } from '../support/disk.ts';
import { leaveOut } from '../support/leave-out.ts';

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 8, at);
  writeFileSync(file, bytes);
}

describe('a store on a disk that fails', () => {
  let home: CliHome;
  let store: string;
  let backup: string;
  /** The packs, largest first. */
  let packs: string[];

  before(async () => {
    home = new CliHome();
    store = home.path('home/store');
    backup = home.path('backup');
    writeFileSync(home.path('large.bin'), Buffer.alloc(3_000_000, 'bytes'));
    await home.pfs('create', 'repo', 'data');
    const files = await home.run(['put', 'file', 'data@master:/note.txt'], { input: 'remember' });
    assert.equal(files.code, 0, files.stderr);
    await home.pfs('put', 'file', 'data@master:/large.bin', '-f', home.path('large.bin'));
    packs = filesBelow(join(store, 'packs'))
      .filter((name) => !name.endsWith('.index'))
      .map((name) => join(store, 'packs', name))
      .sort((a, b) => statSync(b).size - statSync(a).size);
  });

  after(() => home.close());

  it('is whole, says fsck, and a mirror of it is made and brought up to date', async () => {
    assert.match(await home.pfs('fsck'), /^Checked 2 commits, \d+ objects in \d+ packs$/m);
    assert.match(await home.pfs('fsck', '--data'), /read and compared/);
    assert.match(
      await home.pfs('mirror', backup),
      /^The mirror is at journal entry \d+: \d+ objects/m,
    );
    assert.match(await home.pfs('mirror', backup), /: 0 objects copied/);
    assert.match(await home.pfs('fsck', '--data', '--store', backup), /^Checked 2 commits/m);
  });

  it('a flipped bit is found with --data, named with the file it is in, and repaired', async () => {
    const [large = ''] = packs;
    flip(large, 200_000);
    await home.pfs('fsck');
    const found = await home.run(['fsck', '--data']);
    assert.equal(found.code, 1);
    assert.match(found.stdout, /^damage +Pack "packs\/.*" is damaged/m);
    assert.match(found.stdout, /^data:\/large\.bin +1 +[0-9a-f]{32}$/m);
    assert.match(found.stderr, /damaged in 1 places; .*--repair-from/);
    const failed = await home.run(['get', 'file', 'data@master:/large.bin']);
    assert.notEqual(failed.code, 0);
    assert.match(failed.stderr, /damaged/);
    assert.equal(await home.pfs('get', 'file', 'data@master:/note.txt'), 'remember');
    const repaired = await home.pfs('fsck', '--repair-from', backup);
    assert.match(repaired, /^repaired Brought pack/m);
    assert.equal((await home.pfs('get', 'file', 'data@master:/large.bin')).length, 3_000_000);
  });

  it('a deleted index and a truncated pack are found by a quick check', async () => {
    const [large = ''] = packs;
    const bytes = readFileSync(large);
    rmSync(`${large}.index`);
    const found = await home.run(['fsck']);
    assert.match(found.stdout, /^damage +Pack index "packs\/.*" is missing$/m);
    assert.match(await home.pfs('fsck', '--fix'), /^repaired Made index/m);
    writeFileSync(large, bytes.subarray(0, 1000));
    const short = await home.run(['fsck', '--raw']);
    assert.equal(short.code, 1);
    const [finding = {}] = short.stdout.split('\n').map((line) => JSON.parse(line || '{}'));
    assert.deepEqual([finding.level, finding.remedy], ['damage', 'copy']);
    assert.match(finding.message, /is 1000 bytes long instead of \d+/);
    await home.pfs('fsck', '--repair-from', backup);
    assert.ok(bytes.equals(readFileSync(large)));
  });

  it('an engine that cannot open its store says why, and can put it right', async () => {
    await home.pfs('engine', 'stop');
    const entry = join(store, 'journal', '00000000000000000002.json');
    flip(entry, 200);
    const listed = await home.run(['list', 'repo']);
    assert.equal(listed.code, 1);
    assert.match(listed.stderr, /00000000000000000002\.json": it is damaged.*run pfs fsck/s);
    assert.match(await home.pfs('engine', 'status'), /is damaged/);
    const found = await home.run(['fsck']);
    assert.match(found.stdout, /^damage +Journal entry "journal\/0+2\.json" is damaged$/m);
    const doctor = await home.run(['doctor']);
    assert.match(doctor.stdout, /^ok +store: /m);
    await home.pfs('fsck', '--repair-from', backup);
    await home.pfs('engine', 'stop');
    assert.match(await home.pfs('list', 'repo'), /^data /m);
  });

  it('a store that can only be read is checked, mirrored from and repaired from, damaged or not', async (t) => {
    await home.pfs('mirror', backup);
    const disk = home.path('disk');
    mkdirSync(disk);
    const lacking = mountDisk(disk, '64m');
    if (lacking !== undefined) {
      leaveOut(t, lacking);
      return;
    }
    const reader = new CliHome({ PFS_STORE: join(disk, 'store') });
    try {
      cpSync(backup, join(disk, 'store'), { recursive: true });
      remountDisk(disk, 'ro');
      assert.match(await home.pfs('fsck', '--data', '--store', join(disk, 'store')), /^Checked 2/m);
      // An engine that is started on it says so, and serves what only reads.
      assert.match(await reader.pfs('fsck', '--data'), /^Checked 2 commits/m);
      const listed = await reader.run(['list', 'repo']);
      assert.equal(listed.code, 4);
      assert.match(listed.stderr, /read-only.*pfs fsck/s);
      const rescued = reader.path('rescued');
      assert.match(await reader.pfs('mirror', rescued), /^The mirror is at journal entry \d+/m);
      rmSync(packs[0] ?? '');
      assert.match(
        await home.pfs('fsck', '--repair-from', join(disk, 'store')),
        /^repaired Brought pack/m,
      );
      await reader.pfs('engine', 'stop');
      remountDisk(disk, 'rw');
      flip(join(disk, 'store', 'journal', '00000000000000000002.json'), 200);
      remountDisk(disk, 'ro');
      const found = await reader.run(['fsck']);
      assert.match(found.stdout, /^damage +Journal entry "journal\/0+2\.json" is damaged$/m);
      const fixed = await reader.run(['fsck', '--repair-from', rescued]);
      assert.match(fixed.stderr, /read-only/);
    } finally {
      await reader.close();
      unmountDisk(disk);
    }
  });

  it('the doctor looks at everything, and names a remedy for what is wrong', async () => {
    const checks = await home.raw('doctor');
    const names = checks.map(({ name }) => name);
    for (const name of ['pfs', 'Node', 'engine', 'git', 'clock', 'Docker', 'room for home']) {
      assert.ok(names.includes(name), `${name} is not among ${names.join()}`);
    }
    for (const { name, state, remedy } of checks) {
      assert.ok(state === 'ok' || remedy !== '', `${name} is ${state}, and there is no remedy`);
    }
  });

  it('an engine on the mirror has everything, and the mirror is a store of its own then', async (t) => {
    await home.pfs('mirror', backup);
    const other = new CliHome({ PFS_STORE: backup });
    t.after(() => other.close());
    assert.equal(await other.pfs('get', 'file', 'data@master:/note.txt'), 'remember');
    await other.pfs('create', 'repo', 'elsewhere');
    const refused = await home.run(['mirror', backup]);
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, /an engine has written to the mirror/);
  });
});

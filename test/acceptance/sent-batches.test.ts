import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import type { Commit, Pipeline } from '../../engine/server/wire.ts';
import { skipWithoutDocker } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { dockerLines, PipelineHome, workersOf } from './pipeline-home.ts';

const image = 'pfs/examples:1';
const skip = skipWithoutDocker([image]);

/** What the commands of these spouts begin with. */
const DOOR = `
import http.client, io, json, os, socket, tarfile, time

class Door(http.client.HTTPConnection):
    def __init__(self):
        super().__init__('localhost')
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ['PFS_SPOUT_SOCKET'])

def send(method, path, body, **headers):
    door = Door()
    names = {name.replace('_', '-'): value for name, value in headers.items()}
    door.request(method, path, body, names)
    answer = door.getresponse()
    return answer.status, json.loads(answer.read())

def tar(mode='w', **files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()

def say(*what):
    print(*what, flush=True)
`;

/** Sends what it counts, on from the marker: each file names the one before in \`prior\`. */
const COUNT = `${DOOR}
at = '/pfs/at'
n = int(open(at).read()) if os.path.exists(at) else 0
while True:
    n += 1
    time.sleep(0.2)
    status, said = send('POST', f'/v1/batches?marker={n}', tar(**{f'file-{n}': str(n), 'newest': str(n)}), Idempotency_Key=f'batch {n}')
    if status != 200:
        say(status, said)
        raise SystemExit(3)
`;

describe('batches that a spout sends', { skip, timeout: 300_000 }, () => {
  const home = new PipelineHome();
  after(() => home.close());

  async function create(
    name: string,
    code: string,
    more: { spout?: object; transform?: object } = {},
  ): Promise<void> {
    const { spout = {}, transform = {} } = more;
    const spec = {
      pipeline: { name },
      spout,
      transform: { image, cmd: ['python3', '-c', code], ...transform },
    };
    await home.pfs('create-pipeline', '-f', home.file(JSON.stringify(spec)));
  }

  /** Returns what a spout has printed, once it has printed \`last\`. */
  async function printed(pipeline: string, last: string): Promise<string[]> {
    let text = '';
    await eventually(`"${pipeline}" prints "${last}"`, async () => {
      text = await home.pfs('logs', pipeline);
      return text.includes(`${last}\n`);
    });
    return text.split('\n');
  }

  async function commitsOf(repo: string): Promise<Commit[]> {
    return (await home.raw('list-commit', repo)) as unknown as Commit[];
  }

  it('a file is one commit and a tar is one commit, there when the answer comes', async () => {
    const code = `${DOOR}
say(*send('PUT', '/v1/files/2026/a%20b.csv', 'one'))
say(*send('POST', '/v1/batches', tar(**{'c.csv': 'two', 'deep/d.csv': 'three'})))
say(*send('POST', '/v1/batches', tar(mode='w:gz', e='zipped'), Content_Type='application/gzip'))
say(*send('PUT', '/v1/files/f.gz', tar(mode='w:gz', e='as it is'), Content_Type='application/gzip'))
say('done')
time.sleep(1000)
`;
    await create('plain', code, { transform: { network: 'none', user: '1234:1234' } });
    const lines = await printed('plain', 'done');
    const ids = lines.flatMap(
      (line) => /^200 \{'commit': '([0-9a-f]{32})'\}$/.exec(line)?.[1] ?? [],
    );
    const commits = await commitsOf('plain');
    assert.deepEqual(ids, commits.map(({ id }) => id).reverse());
    const paths = await home.list('plain');
    assert.deepEqual([...paths].sort(), ['/2026/a b.csv', '/c.csv', '/deep/d.csv', '/e', '/f.gz']);
    assert.equal(await home.read(`plain@${ids[0]}:/2026/a b.csv`), 'one');
    assert.equal(await home.read(`plain@${ids[1]}:/deep/d.csv`), 'three');
    assert.equal(await home.read('plain@master:/e'), 'zipped');
    const [newest] = commits;
    assert.deepEqual([newest?.origin, newest?.pipeline?.name], ['auto', 'plain']);
    await home.pfs('delete-pipeline', 'plain');
  });

  it('the marker moves with a batch, and what is sent again under its key is committed once', async () => {
    const code = `${DOOR}
if os.path.exists('/pfs/at'):
    say('begun at', open('/pfs/at').read())
else:
    say(*send('PUT', '/v1/files/a?marker=7', 'one', Idempotency_Key='first'))
    say(*send('PUT', '/v1/files/a?marker=8', 'two', Idempotency_Key='first'))
    say(*send('POST', '/v1/batches', tar(at='9')))
say('done')
time.sleep(1000)
`;
    await create('keyed', code, { spout: { marker: 'at' } });
    const lines = await printed('keyed', 'done');
    const [commit] = await commitsOf('keyed');
    const first = `200 {'commit': '${commit?.id}'}`;
    assert.deepEqual(lines.slice(0, 3), [first, first, "200 {'commit': None}"]);
    assert.equal((await commitsOf('keyed')).length, 1);
    assert.equal(await home.read('keyed@master:/a'), 'one');
    await home.pfs('stop-pipeline', 'keyed');
    await home.pfs('start-pipeline', 'keyed');
    await printed('keyed', 'begun at 9');
    await home.pfs('delete-pipeline', 'keyed');
  });

  it('what cannot be committed is refused with the reason, and the command goes on', async () => {
    const code = `${DOOR}
def pipe():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as archive:
        entry = tarfile.TarInfo('pipe')
        entry.type = tarfile.FIFOTYPE
        archive.addfile(entry)
    return out.getvalue()

def link(name, target, below):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as archive:
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.SYMTYPE
        entry.linkname = target
        archive.addfile(entry)
        entry = tarfile.TarInfo(f'{name}/{below}')
        archive.addfile(entry)
    return out.getvalue()

for asked in [
    ('PUT', '/v1/files/', 'x'),
    ('PUT', '/v1/files/../../up', 'x'),
    ('PUT', '/v1/files/%zz', 'x'),
    ('PUT', '/v1/files/a?mark=1', 'x'),
    ('PUT', '/v1/files/a?marker=1', 'x'),
    ('POST', '/v1/batches', ''),
    ('POST', '/v1/batches', 'x' * 2000),
    ('POST', '/v1/batches', tar(a='x')[:600]),
    ('POST', '/v1/batches', tar(**{'../up': 'x'})),
    ('POST', '/v1/batches', pipe()),
    ('POST', '/v1/batches', link('a', '/tmp', 'owned')),
    ('GET', '/v1/batches', ''),
]:
    status, said = send(*asked)
    say(status, said['detail'])
say(*send('PUT', '/v1/files/zipped', 'x', Content_Encoding='gzip'))
half = Door()
half.putrequest('PUT', '/v1/files/half')
half.putheader('Content-Length', '1000')
half.endheaders()
half.send(b'half')
half.sock.close()
say(send('PUT', '/v1/files/good', 'x')[0])
say('done')
time.sleep(1000)
`;
    await create('wrong', code);
    const lines = (await printed('wrong', 'done')).filter((line) => line !== '');
    const expected = [
      /^400 .*file name/,
      /^400 .*\.\./,
      /^400 .*"%" is not followed/,
      /^400 .*no parameter "mark"/,
      /^400 .*spout\.marker/,
      /^400 .*the archive has no end/,
      /^400 Cannot unpack the batch: /,
      /^400 Cannot unpack the batch: /,
      /^400 .*leads out/,
      /^400 .*a pipe/,
      /^400 .*two of its files stand at one path.*\(EEXIST\)$/,
      /^404 .*send a file with PUT to \/v1\/files/,
      /^400 .*no whole gzip/,
      /^200$/,
      /^done$/,
    ];
    assert.equal(lines.length, expected.length, lines.join('\n'));
    for (const [at, pattern] of expected.entries()) {
      assert.match(lines[at] ?? '', pattern);
    }
    assert.deepEqual(await home.list('wrong'), ['/good']);
    assert.equal((await home.inspect<Pipeline>('inspect-pipeline', 'wrong')).state, 'running');
    await home.pfs('delete-pipeline', 'wrong');
  });

  it('killed engines and containers make no half batch, lose none and make none twice', async () => {
    await create('hardy', COUNT, { spout: { marker: 'at' } });
    const count = async () => (await commitsOf('hardy')).length;
    for (let round = 0; round < 4; round++) {
      const before = await count();
      await eventually('some batches come', async () => (await count()) > before + 2);
      if (round % 2 === 0) {
        dockerLines('kill', workersOf('hardy')[0] ?? '');
      } else {
        const { pid } = JSON.parse(readFileSync(home.path('home/engine.json'), 'utf8'));
        process.kill(pid, 'SIGKILL');
        await home.pfs('list-pipeline');
      }
    }
    const last = await count();
    await eventually('it goes on', async () => (await count()) > last);
    await home.pfs('stop-pipeline', 'hardy');
    const oldestFirst = (await commitsOf('hardy')).reverse();
    assert.ok(oldestFirst.length > 8);
    for (const [index, { id, files }] of oldestFirst.entries()) {
      assert.equal(files, index + 2, `commit ${index + 1} adds one file`);
      assert.equal(await home.read(`hardy@${id}:/newest`), String(index + 1));
    }
    await home.pfs('delete-pipeline', 'hardy');
  });
});

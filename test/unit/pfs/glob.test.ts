import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import picomatch from 'picomatch';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { compileGlob, escapeGlob } from '../../../engine/pfs/glob.ts';
import { chosenSeed } from '../../support/seed.ts';

/** Pattern, paths that match, paths that don't. */
const cases: [string, string[], string[]][] = [
  ['/', ['/'], ['/a', '/a/b']],
  ['/*', ['/a', '/.hidden', '/a b', '/ü', '/😀'], ['/', '/a/b']],
  ['*', ['/a', '/.hidden'], ['/', '/a/b']],
  ['a.txt', ['/a.txt'], ['/b/a.txt']],
  ['/dir/', ['/dir'], ['/dir/a', '/']],
  ['/*/*', ['/a/b', '/a/.b'], ['/a', '/a/b/c']],
  ['/**', ['/', '/a', '/a/b', '/a/b/c', '/.x/y'], []],
  ['**', ['/', '/a', '/a/b/c'], []],
  ['/**.png', ['/a.png', '/a/b.png', '/a/.png', '/.png'], ['/a.png/b', '/apng']],
  ['/**/x', ['/a/x', '/a/b/x'], ['/x', '/a/y', '/xx']],
  ['/a/**', ['/a/b', '/a/b/c'], ['/a', '/b/c']],
  ['/a*c', ['/ac', '/abc', '/abbc'], ['/a/c', '/acd']],
  ['/?', ['/a', '/😀', '/ü'], ['/', '/ab']],
  ['/a?c', ['/abc', '/a😀c'], ['/ac', '/a/c', '/abbc']],
  ['/[abc]', ['/a', '/c'], ['/d', '/ab', '/']],
  ['/[a-c]x', ['/ax', '/bx'], ['/dx', '/-x']],
  ['/[!a-c]x', ['/dx', '/-x', '/😀x'], ['/ax', '/x', '//x']],
  ['/[^a-c]x', ['/dx'], ['/ax']],
  ['/a[!b]c', ['/adc'], ['/a/c', '/abc']],
  ['/[]a]', ['/]', '/a'], ['/b']],
  ['/[a-]', ['/a', '/-'], ['/b']],
  ['/[-a]', ['/a', '/-'], ['/b']],
  ['/[\\]x]', ['/]', '/x'], ['/\\']],
  ['/[*?]', ['/*', '/?'], ['/a']],
  ['/[😀-😂]', ['/😁'], ['/😃', '/a']],
  ['/[[:alpha:]]', ['/C', '/c'], ['/5', '/ü']],
  ['/[[:digit:][:upper:]_]', ['/5', '/C', '/_'], ['/c']],
  ['/[[:^digit:]]', ['/.', '/x'], ['/5', '/']],
  ['/[^[:alpha:]]', ['/.', '/5'], ['/x']],
  ['/[[:space:]]', ['/\t', '/ '], ['/x']],
  ['/{a,b}', ['/a', '/b'], ['/c', '/a,b']],
  ['/{a,b}/*', ['/a/x', '/b/x'], ['/c/x', '/a']],
  ['/{a,}x', ['/ax', '/x'], ['/bx']],
  ['/{a,{b,c}d}', ['/a', '/bd', '/cd'], ['/b', '/d']],
  ['/{a,ab}{bc,f}', ['/abc', '/abbc', '/af'], ['/ab']],
  ['/{*,**}/x', ['/a/x', '/a/b/x'], ['/a']],
  ['/{a/b,c}', ['/a/b', '/c'], ['/a']],
  ['/(a|b)', ['/a', '/b'], ['/c']],
  ['/@(a|b)', ['/a'], ['/ab', '/@a']],
  ['/?(a|b)c', ['/c', '/ac', '/bc'], ['/abc']],
  ['/*(a|b)c', ['/c', '/ac', '/abbac'], ['/xc', '/ax']],
  ['/+(a|b)', ['/a', '/bab'], ['/', '/c']],
  ['/+([0-9]).txt', ['/0.txt', '/123.txt'], ['/.txt', '/a.txt']],
  ['/*(*(f)*(o))', ['/fffooofoooooffoofffooofff', '/f'], ['/fox']],
  ['/*(*(of*(o)x)o)', ['/ofoooxoofxo', '/ofxoofxo'], ['/ofoooxoofxoofoooxoofxofo']],
  ['/!(a)', ['/b', '/aa', '/.x'], ['/a', '/a/b', '/b/a']],
  ['/!(*.js|*.json)', ['/a.js.gz', '/a.gz'], ['/a.js', '/a.json']],
  ['/a!(x)', ['/a', '/ab', '/axx'], ['/ax', '/ba']],
  ['/!(!(foo))', ['/foo'], ['/bar']],
  ['/!(!(!(foo)))', ['/bar'], ['/foo']],
  ['/*.!(js|css)', ['/bar.min', '/bar.min.js'], ['/bar.js', '/bar']],
  ['/ab**(e|f)', ['/ab', '/abef', '/abab'], ['/ab/e']],
  ['/ab***ef', ['/abef', '/abcdef', '/ab/c/ef'], ['/ab']],
  ['/a+b@c!d', ['/a+b@c!d'], ['/aab@c!d']],
  ['/a|b,c-d^e', ['/a|b,c-d^e'], ['/a', '/b']],
  ['/\\*', ['/*'], ['/a', '/\\*']],
  ['/a\\(b\\)', ['/a(b)'], ['/ab']],
  ['/a]b', ['/a]b'], []],
  ['/$.^+', ['/$.^+'], ['/$a^+']],
  ['/a\nb*', ['/a\nbc'], ['/ab']],
];

describe('compileGlob', () => {
  for (const [pattern, matching, others] of cases) {
    it(`${JSON.stringify(pattern)} matches what it should and nothing else`, () => {
      const glob = compileGlob(pattern);
      for (const path of matching) {
        assert.ok(glob.match(path), `${pattern} should match ${path}`);
      }
      for (const path of others) {
        assert.equal(glob.match(path), undefined, `${pattern} should not match ${path}`);
      }
    });

    it(`${JSON.stringify(pattern)} lets a walk reach all that matches`, () => {
      const glob = compileGlob(pattern);
      for (const path of matching) {
        for (let at = path.length - 1; at >= 0; at--) {
          if (path[at] === '/' && path !== '/') {
            assert.ok(glob.mayMatchBelow(path.slice(0, at) || '/'), `${path} at ${at}`);
          }
        }
        const prefix = glob.literalPrefix;
        assert.ok(path === prefix || path.startsWith(prefix === '/' ? '/' : `${prefix}/`));
      }
    });
  }

  it('captures what each group matched, numbered by opening bracket', () => {
    const captures = (pattern: string, path: string) => compileGlob(pattern).match(path);
    assert.deepEqual(captures('/(*)-(*).txt', '/a-b-c.txt'), ['a-b', 'c']);
    assert.deepEqual(captures('/a*(a|b)/x', '/aba/x'), ['ba']);
    assert.deepEqual(captures('/a?(a|b)/x', '/a/x'), ['']);
    assert.deepEqual(captures('/+(a|b)/(*).go', '/ab/x.go'), ['ab', 'x']);
    assert.deepEqual(captures('/test*(/?(+(a|b)/*.go))', '/test/a/x.go'), [
      '/a/x.go',
      'a/x.go',
      'a',
    ]);
    assert.deepEqual(captures('/{x,(y)}(z)', '/xz'), ['', 'z']);
    assert.deepEqual(captures('/!(a)(?)', '/bc😀'), ['bc', '😀']);
    assert.deepEqual(captures('/(😀)*(x)', '/😀xx'), ['😀', 'xx']);
    assert.deepEqual(captures('/(**)', '/a/b'), ['a/b']);
    assert.equal(compileGlob('/(*)/{a,b}/@(c)').captureCount, 2);
  });

  it('knows literal patterns and the directory that holds all matches', () => {
    const plan = (pattern: string) => {
      const { isLiteral, literalPrefix } = compileGlob(pattern);
      return [isLiteral, literalPrefix];
    };
    assert.deepEqual(plan('/'), [true, '/']);
    assert.deepEqual(plan('/a/b'), [true, '/a/b']);
    assert.deepEqual(plan('/a\\*b/'), [true, '/a*b']);
    assert.deepEqual(plan('/*'), [false, '/']);
    assert.deepEqual(plan('/a/b/*.png'), [false, '/a/b']);
    assert.deepEqual(plan('/a/bc*/d'), [false, '/a']);
    assert.deepEqual(plan(escapeGlob('/{a}(b)[c]*?!+@|,^\\d')), [true, '/{a}(b)[c]*?!+@|,^\\d']);
  });

  it('prunes the directories below which nothing can match', () => {
    const reach = (pattern: string) =>
      ['/', '/a', '/b', '/a/x', '/a/x/c'].map((d) => compileGlob(pattern).mayMatchBelow(d));
    assert.deepEqual(reach('/'), [false, false, false, false, false]);
    assert.deepEqual(reach('/*'), [true, false, false, false, false]);
    assert.deepEqual(reach('/a/*/c'), [true, true, false, true, false]);
    assert.deepEqual(reach('/**'), [true, true, true, true, true]);
    assert.deepEqual(reach('/{a,q}/*'), [true, true, false, false, false]);
    assert.deepEqual(reach('/!(a)/*'), [true, true, true, false, false]);
    assert.deepEqual(reach('/+(a|/)x/*'), [true, true, false, true, false]);
  });

  it('refuses what is no pattern and says where and why', () => {
    const refused: [string, number, RegExp][] = [
      ['/a(b', 3, /"\(" is never closed by "\)"; write "\\\(" /],
      ['/a{b', 3, /"\{" is never closed/],
      ['/a[b', 3, /"\[" is never closed/],
      ['/a[]', 3, /"\[" is never closed/],
      ['/a)b', 3, /"\)" closes nothing/],
      ['/a}b', 3, /"\}" closes nothing/],
      ['/*(a|b', 2, /"\(" is never closed/],
      ['/[z-a]', 3, /"z-a" ends before it begins/],
      ['/[[:nope:]]', 3, /alnum, alpha/],
      ['/[[:constructor:]]', 3, /alnum, alpha/],
      ['/a\\', 3, /ends in/],
      [`/${'(a'.repeat(40)}${')'.repeat(40)}`, 66, /nested more than 32/],
      [`/${'a'.repeat(2000)}`, 1001, /longer than 1000/],
    ];
    for (const [pattern, position, problem] of refused) {
      assert.throws(
        () => compileGlob(pattern),
        (error) =>
          isEngineError(error, 'invalid') &&
          problem.test(error.message) &&
          error.details.position === position,
        pattern,
      );
    }
  });

  it('takes no longer than pattern times path, whatever is nested', () => {
    const long = '/a'.repeat(2000);
    assert.equal(compileGlob(`${'/**'.repeat(300)}/b`).match(long), undefined);
    assert.equal(compileGlob(`/${'*a'.repeat(400)}b`).match(`/${'a'.repeat(4000)}`), undefined);
    assert.equal(compileGlob('/+(+(a*)*)!(b*(a))c').match(`/${'a'.repeat(255)}`), undefined);
    assert.equal(compileGlob(`${'/**'.repeat(300)}/b`).mayMatchBelow(long), true);
    const nested = compileGlob(`/${'*('.repeat(30)}a|aa${')'.repeat(30)}b`);
    const costOf = (length: number) => {
      const { user } = process.cpuUsage();
      assert.equal(nested.match(`/${'a'.repeat(length)}`), undefined);
      return process.cpuUsage().user - user;
    };
    costOf(100);
    const [some, twice] = [costOf(500), costOf(1000)];
    assert.ok(twice < 8 * some, `${twice} for twice what took ${some} microseconds`);
  });

  it('agrees with the usual matcher where both mean the same', () => {
    const seed = chosenSeed();
    const random = new SeededRandom(seed);
    const pick = <T>(from: readonly T[]): T =>
      from[Math.floor(random.fraction() * from.length)] as T;
    const part = () =>
      pick(['a', 'b', 'c', '?', '[ab]', '[!a]', '{a,b}', '{ab,c}', '@(a|bc)', '+(a|b)', '?(c)b']);
    const segment = () => {
      const parts = Array.from({ length: 1 + Math.floor(random.fraction() * 3) }, part);
      // A star beside a bracket or another star means different things to different matchers.
      return random.fraction() < 0.4 ? `a*${parts.join('')}` : parts.join('');
    };
    const name = () =>
      Array.from({ length: 1 + Math.floor(random.fraction() * 4) }, () =>
        pick(['a', 'b', 'c']),
      ).join('');
    let matches = 0;
    for (let round = 0; round < 4000; round++) {
      const depth = 1 + Math.floor(random.fraction() * 2);
      const pattern = `/${Array.from({ length: depth }, segment).join('/')}`;
      // There a question mark after a bracket makes what is in it optional; here it is one more character.
      if (/[)\]}]\?/.test(pattern)) {
        continue;
      }
      const path = `/${Array.from({ length: depth }, name).join('/')}`;
      const expected = picomatch.isMatch(path, pattern, { dot: true, posix: true });
      const actual = compileGlob(pattern).match(path) !== undefined;
      assert.equal(actual, expected, `${pattern} on ${path}, PFS_SEED=${seed}`);
      matches += actual ? 1 : 0;
    }
    assert.ok(matches > 100, `only ${matches} matches, PFS_SEED=${seed}`);
  });
});

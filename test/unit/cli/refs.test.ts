import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  parseBranchWords,
  parseCommitWords,
  parsePipelineName,
  parseRef,
  parseRefWords,
  parseRepoName,
  parseTagWords,
  refWithin,
  showName,
} from '../../../cli/refs.ts';

const ID = '018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e';
const repo = (name: string, project = 'default') => ({ project, name });

describe('parseRef()', () => {
  const cases: readonly (readonly [string, object])[] = [
    ['r', { repo: repo('r'), branch: undefined, ref: undefined, path: undefined }],
    ['p/r', { repo: repo('r', 'p'), branch: undefined, ref: undefined, path: undefined }],
    ['r.user', { repo: repo('r'), branch: undefined, ref: undefined, path: undefined }],
    ['r.meta@b', { repo: repo('r.meta'), branch: 'b', ref: 'b', path: undefined }],
    ['r@b', { repo: repo('r'), branch: 'b', ref: 'b', path: undefined }],
    ['p/r@b:/x', { repo: repo('r', 'p'), branch: 'b', ref: 'b', path: '/x' }],
    [`r@${ID}`, { repo: repo('r'), branch: undefined, ref: ID, path: undefined }],
    [`r@b=${ID}`, { repo: repo('r'), branch: 'b', ref: ID, path: undefined }],
    [`r@b=${ID}:x/y`, { repo: repo('r'), branch: 'b', ref: ID, path: 'x/y' }],
    ['r@b^', { repo: repo('r'), branch: undefined, ref: 'b^', path: undefined }],
    ['r@b~', { repo: repo('r'), branch: undefined, ref: 'b^', path: undefined }],
    ['r@b^^', { repo: repo('r'), branch: undefined, ref: 'b^2', path: undefined }],
    ['r@b^2', { repo: repo('r'), branch: undefined, ref: 'b^2', path: undefined }],
    ['r@b^2~3', { repo: repo('r'), branch: undefined, ref: 'b^5', path: undefined }],
    ['r@b^0', { repo: repo('r'), branch: undefined, ref: 'b', path: undefined }],
    ['r@b.3', { repo: repo('r'), branch: undefined, ref: 'b.3', path: undefined }],
    ['r@v1.2.3', { repo: repo('r'), branch: undefined, ref: 'v1.2.3', path: undefined }],
    ['r@v1.2.3^^:/x', { repo: repo('r'), branch: undefined, ref: 'v1.2.3^2', path: '/x' }],
    [`r@${ID}^2:/a:b@c`, { repo: repo('r'), branch: undefined, ref: `${ID}^2`, path: '/a:b@c' }],
    [
      'r@b:/glob/*.{png,jpg}',
      { repo: repo('r'), branch: 'b', ref: 'b', path: '/glob/*.{png,jpg}' },
    ],
    ['r:/x@y', { repo: repo('r'), branch: undefined, ref: undefined, path: '/x@y' }],
    // Shorter or upper-case hex is a branch's name.
    ['r@ABCDEF', { repo: repo('r'), branch: 'ABCDEF', ref: 'ABCDEF', path: undefined }],
  ];
  for (const [text, expected] of cases) {
    it(`reads "${text}"`, () => {
      assert.deepEqual(parseRef(text, 'default'), expected);
    });
  }

  const errors: readonly (readonly [string, RegExp])[] = [
    ['', /repo is missing/],
    ['@b', /repo is missing/],
    ['p/@b', /repo is missing/],
    ['/r@b', /project is missing/],
    ['r@', /after "@" is missing/],
    ['r@:/x', /after "@" is missing/],
    ['r@b:', /path after ":" is empty/],
    ['r@b=', /after "@" is missing/],
    [`r@=${ID}`, /branch is missing/],
    [`r@${ID}=${ID}`, /not a name for a branch/],
    ['r@b^2.3', /do not go together/],
    ['r@b..3', /neither a branch, a tag nor a commit/],
    ['r@b@c', /neither a branch, a tag nor a commit/],
    ['r@a b', /neither a branch, a tag nor a commit/],
    ['r r@b', /not a name for a repo/],
    ['p q/r@b', /not a name for a project/],
    ['p/q/r@b', /not a name for a repo/],
    ['r.log@b', /no type "log"/],
    ['réponse', /not a name for a repo/],
  ];
  for (const [text, pattern] of errors) {
    it(`refuses "${text}"`, () => {
      assert.throws(() => parseRef(text, 'default'), { code: 'usage', message: pattern });
    });
  }

  it('takes the default project where none is named', () => {
    assert.deepEqual(parseRef('r@b', 'team').repo, repo('r', 'team'));
    assert.deepEqual(parseRef('own/r@b', 'team').repo, repo('r', 'own'));
  });
});

describe('parseRefWords()', () => {
  const options = { project: 'default', path: true };
  const same: readonly (readonly [readonly string[], string])[] = [
    [['r', 'b'], 'r@b'],
    [['r', 'b', '/x'], 'r@b:/x'],
    [['r@b', '/x'], 'r@b:/x'],
    [['r', 'b:/x'], 'r@b:/x'],
    [['r', `b=${ID}`, 'x'], `r@b=${ID}:x`],
    [['p/r', 'b^2', '/x'], 'p/r@b^2:/x'],
    [['r', ID], `r@${ID}`],
  ];
  for (const [words, text] of same) {
    it(`reads ${words.join(' ')} as ${text}`, () => {
      assert.deepEqual(parseRefWords(words, options), parseRef(text, 'default'));
    });
  }

  it('refuses words that are too many', () => {
    assert.throws(() => parseRefWords(['r@b:/x', '/y'], options), /one word too many/);
    assert.throws(() => parseRefWords(['r', 'b', '/x', '/y'], options), /one word too many/);
    assert.throws(() => parseRefWords(['r', 'b', '/x'], { project: 'default' }), /too many/);
  });

  it('refuses a path where none is wanted', () => {
    assert.throws(() => parseRefWords(['r@b:/x'], { project: 'default' }), /path is not wanted/);
  });

  it('says how to add a branch where only a repo is named', () => {
    assert.throws(() => parseCommitWords(['r'], options), /as in r@master/);
  });
});

describe('the other names', () => {
  it('a branch is neither a commit nor an ancestor', () => {
    assert.deepEqual(parseBranchWords(['r', 'b'], 'default'), { repo: repo('r'), branch: 'b' });
    for (const text of [`r@${ID}`, 'r@b^', `r@b=${ID}`]) {
      assert.throws(() => parseBranchWords([text], 'default'), /a branch is wanted here/);
    }
  });

  it('a tag may have dots, and is neither a commit nor an ancestor', () => {
    assert.deepEqual(parseTagWords(['r@v1.2'], 'default'), { repo: repo('r'), tag: 'v1.2' });
    assert.deepEqual(parseTagWords(['t/r', 'v1'], 'default'), { repo: repo('r', 't'), tag: 'v1' });
    for (const text of [`r@${ID}`, 'r@v1^']) {
      assert.throws(() => parseTagWords([text], 'default'), /is no name for a tag/);
    }
  });

  it('a commit of the same repo is named with or without its repo', () => {
    assert.equal(refWithin('master^', repo('r', 't')), 'master^');
    assert.equal(refWithin('t/r@v1', repo('r', 't')), 'v1');
    assert.equal(refWithin('r@v1', repo('r', 't')), 'v1');
    assert.throws(() => refWithin('other@v1', repo('r', 't')), /a commit of repo "t\/r" is wanted/);
  });

  it('a repo has no branch, a pipeline no type', () => {
    assert.throws(() => parseRepoName('r@b', 'default'), /a repo is wanted here/);
    assert.throws(() => parsePipelineName('p.spec', 'default'), /not a name for a pipeline/);
    assert.deepEqual(parsePipelineName('t/p', 'default'), repo('p', 't'));
  });

  it('the default project is not shown', () => {
    assert.equal(showName(repo('r')), 'r');
    assert.equal(showName(repo('r', 'team')), 'team/r');
  });
});

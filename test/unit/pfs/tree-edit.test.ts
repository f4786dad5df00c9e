import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { encodePointer } from '../../../engine/content/pointer.ts';
import { ATTRIBUTES_NAME, decodeAttributes } from '../../../engine/pfs/attributes.ts';
import { walkFiles } from '../../../engine/pfs/files.ts';
import { Overlay } from '../../../engine/pfs/overlay.ts';
import { TreeDraft } from '../../../engine/pfs/tree-draft.ts';
import { mergeTrees, removePath, setPath, subtractTree } from '../../../engine/pfs/tree-edit.ts';
import { uniteTrees } from '../../../engine/pfs/tree-union.ts';
import type { WriteSession } from '../../../engine/pfs/write-session.ts';
import { openTestPfs } from '../../support/pfs.ts';
import { newSeed } from '../object/pack-rig.ts';

/** A tree as the model has it: a letter per file, upper case for large ones. */
type Model = Map<string, string>;

const NAMES = ['a', 'b', 'a.b', 'a-b', 'ü', 'é x', ATTRIBUTES_NAME];

const isLarge = (letter: string) => letter !== letter.toLowerCase();

/** Stores the file that a letter stands for. */
async function store(session: WriteSession, letter: string) {
  if (!isLarge(letter)) {
    return { id: await session.blob(Buffer.from(`${letter}\n`)), isLarge: false };
  }
  const pointer = { sha256: letter.charCodeAt(0).toString(16).padStart(64, '0'), size: 2 ** 21 };
  return {
    id: await session.blob(encodePointer(pointer), { logicalSize: 2 ** 21 }),
    isLarge: true,
  };
}

async function storeTree(session: WriteSession, model: Model): Promise<string | null> {
  const overlay = new Overlay();
  for (const [path, letter] of model) {
    overlay.add(path, { ...(await store(session, letter)), mode: '100644' });
  }
  return await overlay.write(session);
}

/** Reads a tree back into a model, and checks what must hold of our attributes in every directory. */
async function read(session: WriteSession, tree: string | null): Promise<Model> {
  const model: Model = new Map();
  if (tree === null) {
    return model;
  }
  for await (const { path, id } of walkFiles(session, { path: '', mode: '40000', id: tree })) {
    const text = (await session.readBlob(id)).toString();
    const large = /sha256:0*([0-9a-f]+)/.exec(text)?.[1];
    model.set(path, large ? String.fromCharCode(Number.parseInt(large, 16)) : text.trim());
  }
  assert.equal((await session.stat(tree)).files, model.size, 'the count of files');
  await checkAttributes(session, tree, { path: '', model });
  return model;
}

async function checkAttributes(
  session: WriteSession,
  tree: string,
  at: { readonly path: string; readonly model: Model },
): Promise<void> {
  const large: string[] = [];
  let attributes: string | undefined;
  for (const { name, mode, id } of await session.readTree(tree)) {
    const path = at.path === '' ? name : `${at.path}/${name}`;
    if (mode === '40000') {
      await checkAttributes(session, id, { path, model: at.model });
    } else if (isLarge(at.model.get(path) ?? '')) {
      large.push(name);
    }
    if (name === ATTRIBUTES_NAME) {
      attributes = (await session.readBlob(id)).toString();
    }
  }
  const own = at.path === '' ? ATTRIBUTES_NAME : `${at.path}/${ATTRIBUTES_NAME}`;
  if (at.model.has(own)) {
    return;
  }
  assert.deepEqual(
    [...(decodeAttributes(Buffer.from(attributes ?? '')) ?? [])].sort(),
    large.sort(),
  );
  assert.equal(attributes?.includes('* -text -ident') ?? false, at.path === '', at.path);
  assert.equal(attributes !== undefined, large.length > 0 || at.path === '');
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[Math.floor(random.fraction() * from.length)] as T;
}

function randomPath(random: SeededRandom): string {
  const depth = 1 + Math.floor(random.fraction() * 3);
  const names = Array.from({ length: depth }, () => pick(random, NAMES.slice(0, 6)));
  if (random.fraction() < 0.1) {
    names[names.length - 1] = ATTRIBUTES_NAME;
  }
  return names.join('/');
}

const below = (path: string, at: string) => path === at || path.startsWith(`${at}/`);

/** Puts a file into a model; false where it would be a file and a directory at once. */
function putModel(model: Model, path: string, letter: string): boolean {
  for (const other of model.keys()) {
    if (other !== path && (below(other, path) || below(path, other))) {
      return false;
    }
  }
  model.set(path, letter);
  return true;
}

function randomModel(random: SeededRandom): Model {
  const model: Model = new Map();
  for (let n = Math.floor(random.fraction() * 8); n > 0; n--) {
    putModel(model, randomPath(random), pick(random, ['a', 'b', 'c', 'D', 'E']));
  }
  return model;
}

/** Applies one random edit to model and tree alike; both may refuse it. */
async function randomEdit(
  random: SeededRandom,
  on: { readonly session: WriteSession; readonly draft: TreeDraft; readonly model: Model },
): Promise<{ fits: boolean; next: Model; run: () => Promise<void> }> {
  const { session, draft, model } = on;
  const next: Model = new Map(model);
  const path = randomPath(random);
  const letter = pick(random, ['f', 'g', 'H']);
  switch (pick(random, ['merge', 'remove', 'file', 'folder', 'append', 'subtract'])) {
    case 'merge': {
      const overlay = randomModel(random);
      const fits = [...overlay].every(([at, what]) => putModel(next, at, what));
      const tree = await storeTree(session, overlay);
      return { fits, next, run: () => draft.merge(tree) };
    }
    case 'remove':
      for (const at of model.keys()) {
        if (below(at, path)) {
          next.delete(at);
        }
      }
      return { fits: true, next, run: () => draft.remove(path) };
    case 'file': {
      const fits = replaceModel(next, path, [['', letter]]);
      const { id } = await store(session, letter);
      return { fits, next, run: () => draft.set(path, { mode: '100644', id }) };
    }
    case 'folder': {
      const folder = new Map([...randomModel(random), ['q', 'q'], ['Q', 'Q']]);
      const at = path.endsWith(ATTRIBUTES_NAME) ? 'a' : path;
      const fits = replaceModel(
        next,
        at,
        [...folder].map(([name, what]) => [`/${name}`, what]),
      );
      // As a root's tree, which says more than a directory's.
      const id = await mergeTrees(session, {
        base: null,
        overlay: await storeTree(session, folder),
      });
      return { fits, next, run: () => draft.set(at, { mode: '40000', id: id ?? '' }) };
    }
    case 'append': {
      const { id } = await store(session, 'z');
      const fits =
        !isLarge(model.get(path) ?? '') &&
        putModel(next, path, `${[model.get(path), 'z'].filter(Boolean).join('\n')}`);
      if (isLarge(model.get(path) ?? '')) {
        return { fits: true, next: model, run: async () => undefined };
      }
      return { fits, next, run: () => draft.append(path, { mode: '100644', id }) };
    }
    default: {
      const lower = randomModel(random);
      for (const at of lower.keys()) {
        next.delete(at);
      }
      const tree = await storeTree(session, lower);
      return { fits: true, next, run: () => draft.subtract(tree) };
    }
  }
}

/** Replaces what is at a path of a model; false where a segment on the way is a file. */
function replaceModel(
  model: Model,
  path: string,
  by: readonly (readonly [string, string])[],
): boolean {
  for (const at of [...model.keys()]) {
    if (below(at, path)) {
      model.delete(at);
    }
  }
  return by.every(([rest, letter]) => putModel(model, `${path}${rest}`, letter));
}

it('edits trees as a plain map of paths would be edited', async (t) => {
  const { context } = await openTestPfs({ t });
  const random = new SeededRandom(newSeed());
  const session = context.newSession();
  const join = async (ids: readonly string[]) => {
    const parts = await Promise.all(ids.map((id) => session.readBlob(id)));
    return { id: await session.blob(Buffer.concat(parts)), isLarge: false };
  };
  for (let round = 0; round < 400; round++) {
    let model = randomModel(random);
    let tree = await mergeTrees(session, { base: null, overlay: await storeTree(session, model) });
    for (let write = 0; write < 3; write++) {
      const draft = new TreeDraft(session, tree, { join });
      let next: Model | undefined = model;
      for (let count = 0; count < 4 && next; count++) {
        const edit = await randomEdit(random, { session, draft, model: next });
        next = edit.fits ? edit.next : undefined;
        if (edit.fits) {
          await edit.run();
        } else {
          await assert.rejects(edit.run(), { code: 'invalid', message: /file and a directory at/ });
        }
      }
      if (next) {
        model = next;
        tree = await draft.write(session);
      }
      assert.deepEqual(await read(session, tree), model);
      const overlay = await storeTree(session, model);
      assert.equal(tree, await mergeTrees(session, { base: null, overlay }), 'equal is the same');
    }
  }
  session.discard();
});

it('merges, sets, removes and subtracts by one edit', async (t) => {
  const { context } = await openTestPfs({ t });
  const session = context.newSession();
  const tree = await mergeTrees(session, {
    base: null,
    overlay: await storeTree(
      session,
      new Map([
        ['d/a', 'a'],
        ['d/B', 'B'],
        ['e', 'e'],
      ]),
    ),
  });
  const lower = await storeTree(
    session,
    new Map([
      ['d/a', 'x'],
      ['f', 'f'],
    ]),
  );
  const expect = async (is: string | null, model: Model) =>
    assert.deepEqual(await read(session, is), model);
  await expect(await removePath(session, tree, 'd'), new Map([['e', 'e']]));
  await expect(await removePath(session, tree, 'd/none'), await read(session, tree));
  assert.equal(await removePath(session, tree, ''), null);
  assert.equal(await subtractTree(session, tree, tree), null);
  await expect(
    await subtractTree(session, tree, lower),
    new Map([
      ['d/B', 'B'],
      ['e', 'e'],
    ]),
  );
  const entry = { mode: '40000', id: tree ?? '' };
  const file = { mode: '100644', ...(await store(session, 'a')) };
  await assert.rejects(setPath(session, tree, { path: 'd/a/n', entry: file }), {
    message: /^Cannot store "\/d\/a": it would be a file and a directory at once/,
  });
  await expect(
    await setPath(session, tree, { path: 'd', entry }),
    new Map([
      ['d/d/a', 'a'],
      ['d/d/B', 'B'],
      ['d/e', 'e'],
      ['e', 'e'],
    ]),
  );
  await expect(await setPath(session, lower, { path: '', entry }), await read(session, tree));
  await assert.rejects(setPath(session, tree, { path: '', entry: file }), {
    code: 'invalid',
  });
  session.discard();
});

it('unites trees as maps are united, and tells who wrote a path first', async (t) => {
  const { context } = await openTestPfs({ t });
  const random = new SeededRandom(newSeed());
  const session = context.newSession();
  for (let round = 0; round < 300; round++) {
    const models = Array.from({ length: 1 + Math.floor(random.fraction() * 4) }, () =>
      randomModel(random),
    );
    const trees = await Promise.all(models.map((model) => storeTree(session, model)));
    const union: Model = new Map();
    const writer = new Map<string, number>();
    const expected = new Set<string>();
    let fits = true;
    for (const [number, model] of models.entries()) {
      for (const [path, letter] of model) {
        if (writer.has(path)) {
          expected.add(`${path} ${writer.get(path)} ${number}`);
        }
        fits &&= putModel(union, path, letter);
        writer.set(path, number);
      }
    }
    const clashes = new Set<string>();
    const united = uniteTrees(session, trees, (path, first, second) => {
      clashes.add(`${path} ${first} ${second}`);
    });
    if (fits) {
      assert.deepEqual(await read(session, await united), union);
      assert.deepEqual(clashes, expected);
    } else {
      await assert.rejects(united, { code: 'invalid' });
    }
  }
  await assert.rejects(
    uniteTrees(
      session,
      [
        await storeTree(session, new Map([['a', 'a']])),
        await storeTree(session, new Map([['a', 'b']])),
      ],
      (path) => {
        throw new Error(`both wrote ${path}`);
      },
    ),
    /both wrote a$/,
  );
  session.discard();
});

it('writes a directory once however many edits change it', async (t) => {
  const { context } = await openTestPfs({ t });
  const session = context.newSession();
  const draft = new TreeDraft(session, null);
  for (let i = 0; i < 500; i++) {
    await draft.set(`d/${i}`, { mode: '100644', id: (await store(session, 'a')).id });
  }
  await draft.write(session);
  const { added } = await session.finish();
  // One blob, our attributes, and two trees.
  assert.equal(
    added.reduce((sum, pack) => sum + pack.objects, 0),
    4,
  );
});

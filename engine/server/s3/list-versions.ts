// Versions of objects: the commits of a branch in which a file became another one, or went. They are told from the commits each time,
// at the cost of what changed in them; nothing is kept for it.

import type { CommitRecord } from '../../journal/records.ts';
import { walkCommits } from '../../pfs/commit-list.ts';
import { lastGood } from '../../pfs/commit-lookup.ts';
import { openTree } from '../../pfs/commits.ts';
import { diffTrees } from '../../pfs/diff.ts';
import { type FileEntry, findFile } from '../../pfs/files.ts';
import { type Bucket, shownCommit } from './bucket.ts';
import { MOST_KEYS, nameOf, OWNER } from './list-objects.ts';
import { isoTime, type S3Request } from './request.ts';
import { S3Error } from './s3-error.ts';
import { type Version, VersionPage, type VersionQuery } from './version-page.ts';
import { isFile } from './view.ts';
import type { XmlValue } from './xml.ts';

/** Answers with a page of versions, in the order of their keys. */
export async function listVersions(request: S3Request, bucket: Bucket): Promise<void> {
  if (bucket.out) {
    throw new S3Error(
      'NotImplemented',
      'What a datum writes has no versions before it is a commit',
    );
  }
  const { query } = request;
  const wanted = {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    keyMarker: query.get('key-marker') ?? '',
    versionMarker: query.get('version-id-marker') ?? '',
    max: request.number('max-keys', MOST_KEYS),
  };
  if (wanted.versionMarker !== '' && wanted.keyMarker === '') {
    throw new S3Error('InvalidArgument', 'A version-id-marker needs a key-marker');
  }
  const { shown, isTruncated } = await collect(request, bucket, wanted);
  const name = nameOf(request);
  const last = shown.at(-1);
  request.send('ListVersionsResult', {
    Name: request.bucket,
    Prefix: name(wanted.prefix),
    KeyMarker: name(wanted.keyMarker),
    VersionIdMarker: wanted.versionMarker,
    MaxKeys: wanted.max,
    Delimiter: wanted.delimiter === '' ? undefined : name(wanted.delimiter),
    EncodingType: query.get('encoding-type'),
    IsTruncated: isTruncated,
    NextKeyMarker: isTruncated ? name(last?.key ?? '') : undefined,
    NextVersionIdMarker: isTruncated ? last?.version?.id : undefined,
    '': shown.flatMap(({ key, version }) => (version ? [element(name(key), version)] : [])),
    CommonPrefixes: shown.flatMap(({ key, version }) => (version ? [] : [{ Prefix: name(key) }])),
  });
}

function element(key: string, { id, modified, isLatest, size, entry }: Version): XmlValue {
  const common = {
    Key: key,
    VersionId: id,
    IsLatest: isLatest,
    LastModified: isoTime(modified),
    Owner: OWNER,
  };
  return entry
    ? { Version: { ...common, ETag: `"${entry.id}"`, Size: size, StorageClass: 'STANDARD' } }
    : { DeleteMarker: common };
}

/** Gathers the page: first the rest of the key within which it begins, then what comes after that key. */
async function collect(request: S3Request, bucket: Bucket, query: VersionQuery) {
  const page = new VersionPage(query);
  if (query.max === 0) {
    return page.cut();
  }
  if (query.versionMarker !== '' && !bucket.fixed) {
    await collectOlder(request, bucket, { query, page });
  }
  const { context } = request;
  const shown = await shownCommit(context, bucket);
  for await (const commit of shown ? walkCommits(context, bucket.repo, shown.id) : []) {
    if (page.isFull) {
      break;
    }
    if (commit.id === shown?.id || isGood(commit)) {
      const before = bucket.fixed ? undefined : await lastGood(context, bucket.repo, commit.parent);
      await collectFrom(request, { commit, before: before?.tree ?? null, page });
    }
    if (bucket.fixed) {
      break;
    }
  }
  return page.cut();
}

function isGood(commit: CommitRecord): boolean {
  return commit.finished !== null && commit.error === null;
}

/** Goes on behind the version of a key that the last page ended with, at its commit: the newer ones cost nothing. */
async function collectOlder(
  { context }: S3Request,
  bucket: Bucket,
  of: { readonly query: VersionQuery; readonly page: VersionPage },
): Promise<void> {
  const { page } = of;
  const { keyMarker: key, versionMarker } = of.query;
  const { objects } = context;
  const last = await shownCommit(context, bucket, versionMarker);
  if (!last || !key.startsWith(of.query.prefix)) {
    return;
  }
  let newer: { readonly commit: CommitRecord; readonly entry: FileEntry | undefined } | undefined;
  const add = async (older: FileEntry | undefined) => {
    const { commit, entry } = newer ?? {};
    const isChange = entry?.id !== older?.id || entry?.mode !== older?.mode;
    if (commit && commit.id !== last.id && isChange) {
      const size = entry ? (await objects.stat(entry.id)).size : 0;
      page.add(key, { id: commit.id, modified: timeOf(commit), size, entry });
    }
  };
  for await (const commit of walkCommits(context, bucket.repo, last.id)) {
    if (page.isFull) {
      return;
    }
    if (isGood(commit)) {
      const found = await findFile(objects, commit.tree, key);
      const entry = found && isFile(found) ? found : undefined;
      await add(entry);
      newer = { commit, entry };
    }
  }
  await add(undefined);
}

function timeOf(commit: CommitRecord): number {
  return commit.finished ?? commit.started;
}

async function collectFrom(
  { context }: S3Request,
  of: {
    readonly commit: CommitRecord;
    readonly before: string | null;
    readonly page: VersionPage;
  },
): Promise<void> {
  const { commit, before, page } = of;
  const { id, repo } = commit;
  const modified = timeOf(commit);
  const tree = await openTree(context, repo, id);
  let last = '';
  let isOrdered = true;
  try {
    const trees = { old: before, new: tree.tree };
    const enters = (directory: string) => page.wantsBelow(directory);
    for await (const difference of diffTrees(tree.objects, trees, { enters })) {
      const { path: key, old, new: now } = difference;
      // Where a file became a directory, or the other way round, what stands between the two comes after both.
      isOrdered &&= !key.startsWith(`${last}/`);
      last = key;
      if (page.isPast(key)) {
        if (isOrdered && now) {
          return;
        }
        continue;
      }
      const entry = now && isFile(now) ? now : undefined;
      if (page.wants(key) && (entry || (old && isFile(old)))) {
        const size = entry ? (await tree.objects.stat(entry.id)).size : 0;
        page.add(key, { id, modified, size, entry });
      }
    }
  } finally {
    tree.close();
  }
}

// A reader of stores that follows docs/format.md and nothing else: it shares no code with the engine. It prints what a store
// holds as JSON: node test/format/reader.mjs <directory> [--log-only]

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fold } from './reader-fold.mjs';
import { openObjects } from './reader-objects.mjs';

const [directory = '', mode] = process.argv.slice(2);
const read = (key) => readFileSync(join(directory, key));
const list = (key) =>
  existsSync(join(directory, key)) ? readdirSync(join(directory, key)).sort() : [];
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** §3, §6: JSON objects whose first field is the SHA-256 of what follows it. */
function readSummed(key) {
  const bytes = read(key);
  const sum = /^\{"sum":"([0-9a-f]{64})",/.exec(bytes.toString('latin1', 0, 76))?.[1];
  if (sum && sum !== sha256(bytes.subarray(74))) {
    throw new Error(`${key} is damaged`);
  }
  return JSON.parse(bytes.toString());
}

/** §6: gzip of lines ["key",value]. */
function readPage(key, count) {
  const rows = gunzipSync(read(key))
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (rows.length !== count) {
    throw new Error(`${key} has ${rows.length} rows instead of ${count}`);
  }
  return rows;
}

// §4: the tables.
const tables = new Map();
const table = (name) => tables.get(name) ?? tables.set(name, new Map()).get(name);
let runs = [];
let last = 0;

const { format } = JSON.parse(read('format').toString());
if (format > 1) {
  throw new Error(`format ${format} is newer than this reader`);
}

// §6: the newest snapshot that is whole.
const snapshots = mode === '--log-only' ? [] : list('snapshots').reverse();
const newest = snapshots.find((seq) =>
  existsSync(join(directory, `snapshots/${seq}/manifest.json`)),
);
if (newest) {
  const manifest = readSummed(`snapshots/${newest}/manifest.json`);
  for (const { name, pages } of manifest.tables) {
    for (const page of pages) {
      for (const [key, value] of readPage(`snapshots/${newest}/${page.name}`, page.count)) {
        table(name).set(key, value);
      }
    }
  }
  runs = manifest.history;
  last = manifest.seq;
}

// §3: the log, from there on.
for (const name of list('journal')) {
  const seq = Number(name.slice(0, 20));
  if (seq <= last) {
    continue;
  }
  const entry = readSummed(`journal/${name}`);
  if (seq !== last + 1 || entry.seq !== seq) {
    throw new Error(`the log has a gap before ${name}`);
  }
  last = seq;
  for (const { operations } of entry.transactions) {
    for (const operation of operations) {
      fold(table, operation, entry);
    }
  }
}

/** §7: the first run that has a key counts. */
function history(prefix) {
  const found = new Map();
  for (const { pages } of runs) {
    const all = Array.isArray(pages)
      ? pages
      : readPage(`history/${pages.id}`, pages.count).map(([, page]) => page);
    for (const { id, count } of all) {
      for (const [key, value] of readPage(`history/${id}`, count)) {
        if (key.startsWith(prefix) && !found.has(key)) {
          found.set(key, value);
        }
      }
    }
  }
  return [...found]
    .filter(([key, value]) => value !== null && !table('forgotten').has(key))
    .map(([, value]) => value);
}

const filesOf = openObjects(read, table('packs').keys());

/** All commits of a repo: those in the table as they are there, the others from history. */
function commitsOf(repo) {
  const commits = new Map(history(`commit/${repo.id}/`).map((commit) => [commit.id, commit]));
  for (const commit of table('commits').values()) {
    if (commit.repo === repo.key) {
      commits.set(commit.id, commit);
    }
  }
  return commits;
}

const found = { sequence: last, repos: {}, jobs: {}, logs: [] };
for (const repo of table('repos').values()) {
  const commits = commitsOf(repo);
  const shown = { description: repo.description, commits: {}, branches: {}, tags: {} };
  for (const { id, finished, error, parent, tree, edits, provenance } of commits.values()) {
    const isGood = finished !== null && error === null;
    const files = isGood && tree !== null ? filesOf(tree) : {};
    const lines = Object.entries(files).map(([path, file]) => `${path} ${file}\n`);
    shown.commits[id] = {
      parent,
      isGood,
      edits: edits.length,
      from: provenance.map((one) => one.commit),
      files: lines.length,
      sum: sha256(lines.sort().join('')),
    };
  }
  for (const { repo: home, name, head } of table('branches').values()) {
    if (home === repo.key) {
      shown.branches[name] = head;
    }
  }
  for (const { repo: home, name, commit } of table('tags').values()) {
    if (home === repo.key) {
      shown.tags[name] = commit;
    }
  }
  found.repos[repo.key] = shown;
}
for (const pipeline of table('pipelines').values()) {
  const jobs = new Map(history(`job/${pipeline.id}/`).map((job) => [job.id, job]));
  for (const job of table('jobs').values()) {
    if (job.pipeline === pipeline.key) {
      jobs.set(job.id, job);
    }
  }
  found.jobs[pipeline.key] = Object.fromEntries(
    [...jobs.values()].map(({ id, state, datums }) => [id, { state, ...datums }]),
  );
}
for (const shard of list('logs')) {
  for (const job of list(`logs/${shard}`)) {
    for (const segment of list(`logs/${shard}/${job}`)) {
      const lines = gunzipSync(read(`logs/${shard}/${job}/${segment}`))
        .toString()
        .split('\n')
        .filter(Boolean);
      found.logs.push(...lines.map((line) => JSON.parse(line).message));
    }
  }
}
process.stdout.write(`${JSON.stringify(found, null, 1)}\n`);

// The rules for `egress`: which places there are, and that no password stands in a spec. Works on specs that may be wrong in
// other ways.

import type { SpecPath, SpecProblem } from './spec-document.ts';

type Fields = Readonly<Record<string, unknown>>;

const FILES = /^(?:s3:\/\/[^/?]+|file:\/\/\/)/i;
const TABLES = /^(?:postgres(?:ql)?:\/\/|sqlite:\/\/\/)/i;

/** Returns what is wrong with the egress of a spec with the names of the schema. */
export function egressProblems(egress: Fields): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const say = (path: SpecPath, message: string | undefined) => {
    if (message !== undefined) {
      problems.push({ path: ['egress', ...path], message });
    }
  };
  const storage = fields(egress.object_storage);
  const places: readonly (readonly [SpecPath, unknown])[] = [
    [['url'], egress.url],
    [['URL'], egress.URL],
    [['object_storage', 'url'], storage.url],
  ];
  const given = places.filter(([, url]) => typeof url === 'string' && url !== '');
  for (const [path, url] of given) {
    say(path, filesProblem(String(url)));
  }
  const [, second] = given;
  if (second) {
    say(second[0], 'is a second address for the same files; keep one of url and object_storage');
  }
  const { url, file_format: format } = fields(egress.sql_database);
  if (typeof url === 'string') {
    say(['sql_database', 'url'], tablesProblem(url));
  }
  if (fields(format).type === 'PARQUET') {
    say(
      ['sql_database', 'file_format', 'type'],
      'Parquet files are not loaded into databases; let the command write CSV or JSON',
    );
  }
  return problems;
}

function filesProblem(url: string): string | undefined {
  if (/^[a-z0-9]+:\/\/[^/?#]*@/i.test(url)) {
    return 'holds credentials, which everybody can read here; leave them out, and give the engine its own, or name a secret in object_storage.secret';
  }
  return FILES.test(url)
    ? undefined
    : `"${url}" is no place for files; write s3://bucket/prefix or file:///directory`;
}

function tablesProblem(url: string): string | undefined {
  if (/^[a-z0-9+]+:\/\/[^/?#]*:[^/?#@]*@/i.test(url) || /[?&]password=/i.test(url)) {
    return 'holds a password, which everybody can read here; put it into a secret, and name that in sql_database.secret';
  }
  return TABLES.test(url)
    ? undefined
    : `"${url}" is no database that rows can be loaded into; write postgresql://user@host/database or sqlite:///file.db`;
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

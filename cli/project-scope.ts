// Which projects a list is of, and how their names are shown in it.

import type { RepoName } from '../engine/server/wire.ts';
import type { ParsedArguments } from './arguments.ts';
import type { Option } from './command.ts';
import type { Context } from './context.ts';
import { showName } from './refs.ts';

/** The option of lists that may be of one project. */
export const allProjects: Option = {
  type: 'boolean',
  short: 'A',
  description: 'of all projects, whichever is set by -P, PFS_PROJECT or pfs config',
};

/** How a list is narrowed, and its names are shown. */
export interface ProjectScope {
  /** Undefined: all projects. */
  readonly project: string | undefined;
  /** Columns that come before the others, where a name alone would not tell. */
  readonly heading: readonly string[];
  row(name: RepoName): readonly string[];
}

/** Returns the scope of a list: the project that was asked for, or all of them where none was. */
export function projectScope(context: Context, args: ParsedArguments): ProjectScope {
  const { chosenProject } = context;
  if (!args.flag('all-projects')) {
    return {
      project: chosenProject,
      heading: ['NAME'],
      row: (name) => [showName(name)],
    };
  }
  return {
    project: undefined,
    heading: ['PROJECT', 'NAME'],
    row: ({ project, name }) => [project, name],
  };
}

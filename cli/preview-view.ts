// Shows what pipelines would be, and the datums they would have.

import type { QueryOf } from '../engine/server/operations/types.ts';
import type { PipelinePreview, PlannedDatum } from '../engine/server/wire-previews.ts';
import type { Context } from './context.ts';
import { showName } from './refs.ts';

/** Asks what a spec would do, and shows it: a document per pipeline with `--raw`. */
export async function showPreviews(
  context: Context,
  asked: { readonly text: string; readonly query: QueryOf<'POST /previews'> },
): Promise<void> {
  const { client, output } = context;
  const previews = await client.call('POST /previews', {
    query: { ...asked.query, project: context.project },
    body: asked.text,
  });
  for (const [index, preview] of previews.entries()) {
    if (!output.raw && index > 0) {
      await output.line('');
    }
    for (const warning of output.raw ? [] : preview.warnings) {
      output.note(`Warning: pipeline "${preview.name}": ${warning}`);
    }
    await output.fields(preview, () => previewFields(preview));
    if (!output.raw && preview.first.length > 0) {
      await output.line('');
      await output.table(preview.first, { heading: PLANNED_HEADING, row: plannedRow });
      const more = preview.datums.total - preview.first.length;
      if (more > 0) {
        await output.line(`and ${more} more; pfs list datum -f lists them all`);
      }
    }
  }
}

export const PLANNED_HEADING = ['ID', 'FILES', 'STATUS'];

/** Returns a planned datum as a row of a table. */
export function plannedRow(datum: PlannedDatum): readonly string[] {
  const files = datum.inputs.map((input) => `${showName(input.repo)}:${input.path}`);
  return [datum.id, files.join(', '), datum.state];
}

function previewFields(
  preview: PipelinePreview,
): readonly (readonly [string, string | undefined])[] {
  const { datums, version, created } = preview;
  const fate = created ? 'would be made' : `would be changed, to version ${version}`;
  return [
    ['Name', showName(preview)],
    ['Fate', `${fate}; this was a dry run, and nothing is changed`],
    ['Datums', `${datums.total}, of which ${datums.skipped} would be skipped`],
    ['Note', preview.notes.length === 0 ? undefined : preview.notes.join('\n')],
    ['Spec', JSON.stringify(preview.spec, null, 2)],
  ];
}

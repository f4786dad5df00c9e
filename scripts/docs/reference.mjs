// `npm run docs`: writes docs/pipeline-spec.md from the JSON Schema of the pipeline spec. A test compares the two.

import { writeFileSync } from 'node:fs';
import { root } from '../setup/paths.mjs';
import { pipelineReference } from './pipeline-reference.mjs';

writeFileSync(`${root}/docs/pipeline-spec.md`, pipelineReference());

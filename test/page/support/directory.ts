// Where the page is that tests visit.

import { join } from 'node:path';

/** The page as `npm run build` makes it. */
export const PAGE_DIRECTORY = join(import.meta.dirname, '../../..', 'dist/web');

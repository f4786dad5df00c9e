// Where things are in a checkout.

import { fileURLToPath } from 'node:url';

/** The checkout's root folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

/** What the scripts download or build for themselves; never committed. */
export const cache = `${root}/.cache`;

/** Programs that the set-up built because the machine had none. */
export const cacheBin = `${cache}/bin`;

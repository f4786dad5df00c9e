// The operations of the store itself. An engine whose store is damaged answers these, and little else.

import { Type } from '@sinclair/typebox';
import { CheckReport, DoctorReport, MirrorReport, RepairReport } from '../wire-store.ts';
import { flag, operations, query, text } from './operation.ts';

const data = flag('Reads every object of every pack.');

export const STORE_OPERATIONS = operations({
  'GET /store/check': {
    id: 'checkStore',
    tag: 'store',
    summary: 'Checks the store, or another one; the last line is a summary.',
    query: query({ data, store: text('The URL of another store.') }),
    lines: CheckReport,
    example: { query: { data: true } },
  },
  'POST /store/repair': {
    id: 'repairStore',
    tag: 'store',
    summary: 'Puts right what can be; the last line is a summary.',
    isOnce: false,
    query: query({ data, from: text('The URL of a copy, for what cannot be made again.') }),
    text: 'Nothing.',
    lines: RepairReport,
    example: { body: '' },
  },
  'POST /store/mirror': {
    id: 'mirrorStore',
    tag: 'store',
    summary: 'Makes a place a copy of the store; the last line is a summary.',
    isOnce: false,
    query: query({ to: Type.String({ description: 'The URL of the copy.' }) }),
    text: 'Nothing.',
    lines: MirrorReport,
    example: { query: { to: 'file:///backup' }, body: '' },
  },
  'GET /store/doctor': {
    id: 'examineStore',
    tag: 'store',
    summary: 'Tells what keeps the engine from working well, and what to do.',
    answer: DoctorReport,
    example: {},
  },
});

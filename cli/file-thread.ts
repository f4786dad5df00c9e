// What a thread that writes files runs: one batch after the other, with as few calls to the system as there can be.

import { parentPort } from 'node:worker_threads';
import { type WriteRequest, writeBatch } from './file-batch.ts';

parentPort?.on('message', (request: WriteRequest) => parentPort?.postMessage(writeBatch(request)));

import type { RunResult, RunSpec, Worker } from './executor.ts';
import type { WorkerContext } from './worker-context.ts';
export class RunWorker implements Worker {
  readonly id: string;
  constructor(context: WorkerContext, options: { transfer: 'bind' | 'tar' }) {
    this.id = context.name;
    void options;
  }
  async run(_spec: RunSpec): Promise<RunResult> {
    throw new Error('no');
  }
  async takeOver(): Promise<void> {}
  async stop(): Promise<void> {}
}

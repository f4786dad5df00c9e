// Clients that ask one address all the time and remember every failure.

import { Agent, get } from 'node:http';

/** Asks without a pause until it is stopped. */
export class Hammer {
  /** What went wrong, in words. */
  readonly failures: string[] = [];
  /** The different answers, in the order in which they first came. */
  readonly answers: string[] = [];
  count = 0;
  readonly #url: string;
  readonly #agent: Agent;
  #isStopped = false;
  readonly #work: Promise<void>;

  /** `keeps` one connection for all requests, or makes one for each. */
  constructor(url: string, { keeps }: { readonly keeps: boolean }) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: keeps, maxSockets: 1 });
    this.#work = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#work;
    this.#agent.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const { status, text } = await ask(this.#url, this.#agent);
        this.count += 1;
        if (status !== 200) {
          this.failures.push(`${status} ${text}`);
        } else if (this.answers.at(-1) !== text) {
          this.answers.push(text);
        }
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }
}

/** Asks once. Rejects where nobody answers, or the answer breaks off. */
export function ask(
  url: string,
  agent?: Agent,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = get(url, agent ? { agent } : {}, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    asked.on('error', reject);
  });
}

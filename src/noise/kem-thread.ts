/**
 * One thread of kem-worker.ts as seen from outside: started for the first job, ended when nothing was asked for a
 * while. Answers come in the order of the questions.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { type KemJob, type KemResult, memoryOf } from './kem-job.js';
import { NoiseError } from './noise-error.js';

interface Question {
  answer(result: KemResult): void;
  fail(error: NoiseError): void;
}

export class KemThread {
  readonly #idleMs: number;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  readonly #asked: Question[] = [];

  /** It costs some megabytes while it runs; after `idleMs` without a job it ends, and the next job starts another. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** Jobs handed over and not answered yet. */
  get outstanding(): number {
    return this.#asked.length;
  }

  /** Takes over the memory of the job. */
  ask(job: KemJob, question: Question): void {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    // A process that waits for an answer must not end meanwhile; one that does not, may.
    this.#worker.ref();
    this.#asked.push(question);
    this.#worker.postMessage(job, memoryOf(job));
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#lose(worker);
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = startWorker();
    worker.on('message', (result: KemResult) => {
      // A thread that was given up may still have had an answer under way, to nobody.
      if (this.#worker !== worker) return;
      this.#asked.shift()?.answer(result);
      if (this.#asked.length > 0) return;
      worker.unref();
      this.#idle = setTimeout(() => void this.close(), this.#idleMs).unref();
    });
    worker.on('error', (cause) => this.#lose(worker, cause));
    worker.on('exit', () => this.#lose(worker));
    return worker;
  }

  /** Once for each worker, whichever sign of its end comes first. */
  #lose(worker: Worker | undefined, cause?: Error): void {
    if (worker === undefined || this.#worker !== worker) return;
    this.#worker = undefined;
    // What a job can fail with stays in its thread: this is about the thread itself, and no secret is in it.
    const why = cause === undefined ? '' : ` (${cause.message})`;
    const message = `the thread for key encapsulations has ended${why}; try again`;
    const error = new NoiseError('noise_kem_lost', message, 'local');
    for (const question of this.#asked.splice(0)) question.fail(error);
  }
}

/** From TypeScript sources the thread needs the loader that tests run with; built, it is plain JavaScript. */
function startWorker(): Worker {
  const options = { execArgv: [], env: {}, name: 'signalbox-kem' };
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./kem-worker.js', import.meta.url), options);
  const loader = createRequire(import.meta.url).resolve('tsx/cjs/api');
  const names = ['./kem-worker.ts', import.meta.url].map((name) => JSON.stringify(name));
  return new Worker(`require(${JSON.stringify(loader)}).require(${names})`, { ...options, eval: true });
}

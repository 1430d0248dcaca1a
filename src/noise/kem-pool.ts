/**
 * Key encapsulation in threads, for Node releases that have no ML-KEM of their own: an operation takes a millisecond
 * of JavaScript, and many harnesses may come back at once. Bounded in threads and in what waits.
 */
import type { Encapsulated, KemKeyPair, OpenedKem } from './kem.js';
import { kemClosed, kemRefused, kemSaturated, MOST_WAITING } from './kem-error.js';
import type { KemJob, KemResult } from './kem-job.js';
import { KemThread } from './kem-thread.js';
import { SecretBytes } from './secret-bytes.js';

export interface KemPoolOptions {
  /** Default 1: handshakes may take the second core only when somebody wants that. */
  readonly threads?: number;
  /** Jobs that wait for a thread; default {@link MOST_WAITING}. */
  readonly mostWaiting?: number;
  /** A thread with nothing to do ends after so long; default 30 s. */
  readonly idleMs?: number;
}

/** The job a thread works on, and the next, so that it need not wait for this one. */
const JOBS_IN_HAND = 2;

interface WaitingJob {
  readonly job: () => KemJob;
  readonly resolve: (result: KemResult) => void;
  readonly reject: (error: unknown) => void;
}

export class KemPool implements OpenedKem {
  readonly #threads: readonly KemThread[];
  readonly #mostWaiting: number;
  readonly #waiting: WaitingJob[] = [];
  #closed = false;

  constructor({ threads = 1, mostWaiting = MOST_WAITING, idleMs = 30_000 }: KemPoolOptions = {}) {
    this.#threads = Array.from({ length: threads }, () => new KemThread(idleMs));
    this.#mostWaiting = mostWaiting;
  }

  async generate(): Promise<KemKeyPair> {
    const result = await this.#run('generate', () => ({ op: 'generate' }));
    return { publicKey: result.publicKey, secretKey: new SecretBytes(result.secretKey) };
  }

  async encapsulate(publicKey: Uint8Array): Promise<Encapsulated> {
    const { ciphertext, sharedSecret } = await this.#run('encapsulate', () => ({
      op: 'encapsulate',
      publicKey: Uint8Array.from(publicKey),
    }));
    return { ciphertext, sharedSecret };
  }

  async decapsulate(secretKey: SecretBytes, ciphertext: Uint8Array): Promise<Uint8Array> {
    const result = await this.#run('decapsulate', () => ({
      op: 'decapsulate',
      // Copied only when its turn has come, and not at all if it was wiped meanwhile.
      secretKey: Uint8Array.from(secretKey.bytes),
      ciphertext: Uint8Array.from(ciphertext),
    }));
    return result.sharedSecret;
  }

  /** Ends the threads; what waits is rejected, and whatever is asked for later. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(kemClosed());
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  async #run<Op extends KemJob['op']>(op: Op, job: () => KemJob): Promise<Extract<KemResult, { op: Op }>> {
    if (this.#closed) throw kemClosed();
    if (this.#waiting.length >= this.#mostWaiting) throw kemSaturated(this.#mostWaiting);
    const result = await new Promise<KemResult>((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#dispatch();
    });
    if (result.op === op) return result as Extract<KemResult, { op: Op }>;
    throw kemRefused();
  }

  #dispatch(): void {
    for (;;) {
      const [idlest] = [...this.#threads].sort((one, other) => one.outstanding - other.outstanding);
      if (idlest === undefined || idlest.outstanding >= JOBS_IN_HAND) return;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#hand(next, idlest);
    }
  }

  #hand({ job, resolve, reject }: WaitingJob, thread: KemThread): void {
    try {
      thread.ask(job(), {
        answer: (result) => {
          resolve(result);
          this.#dispatch();
        },
        fail: (error) => {
          reject(error);
          this.#dispatch();
        },
      });
    } catch (error) {
      reject(error);
    }
  }
}

/**
 * The program of a thread that does ML-KEM-768 in JavaScript, one job after another; secret keys are the 2,400 bytes of
 * FIPS 203. It keeps nothing, and wipes what it was given as soon as it is done.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { type KemJob, type KemResult, memoryOf } from './kem-job.js';
import { wipe } from './secret-bytes.js';

/** Behind everything that serves a stream: a handshake can wait, a running stream should not. */
const NICENESS = 10;

function perform(job: KemJob): KemResult {
  switch (job.op) {
    case 'generate': {
      const { publicKey, secretKey } = ml_kem768.keygen();
      return { op: job.op, publicKey: publicKey.slice(), secretKey: moved(secretKey) };
    }
    case 'encapsulate': {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(job.publicKey);
      return { op: job.op, ciphertext: cipherText.slice(), sharedSecret: moved(sharedSecret) };
    }
    case 'decapsulate':
      try {
        return { op: job.op, sharedSecret: moved(ml_kem768.decapsulate(job.ciphertext, job.secretKey)) };
      } finally {
        wipe(job.secretKey);
      }
  }
}

/** In memory of its own, which can be handed over; where it was is wiped. */
function moved(secret: Uint8Array): Uint8Array {
  const copy = secret.slice();
  wipe(secret);
  return copy;
}

/** Linux only, where threads have a priority each; elsewhere all threads are equal. */
function stepBack(): void {
  try {
    const thread = Number(/\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self'))?.[1]);
    // 0 would be the whole process.
    if (thread > 0) setPriority(thread, NICENESS);
  } catch {
    // No such file, or not allowed.
  }
}

stepBack();
parentPort?.on('message', (job: KemJob) => {
  let result: KemResult;
  try {
    result = perform(job);
  } catch {
    result = { op: 'refused' };
  }
  parentPort?.postMessage(result, memoryOf(result));
});

/**
 * Declares the tests that need bubblewrap.
 */
import { describe, it } from 'vitest';
import { findBubblewrap } from '../../../src/host/sandbox/bubblewrap.js';

const missing = await findBubblewrap(process.env.PATH).then(
  () => undefined,
  (error: Error) => error.message,
);

/**
 * A `describe` where bubblewrap can make a sandbox. Elsewhere its tests are skipped and the reason is printed; with
 * `CI` set they fail instead, so that nobody takes a run without sandboxes for a proof.
 */
export function describeSandbox(title: string, body: () => void): void {
  if (missing === undefined) {
    describe(title, body);
  } else if (process.env.CI) {
    it(title, () => {
      throw new Error(missing);
    });
  } else {
    process.stderr.write(`skipped: ${title}. ${missing}\n`);
    it.skip(title);
  }
}

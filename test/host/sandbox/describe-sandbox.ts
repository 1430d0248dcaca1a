/**
 * Declares the tests that need bubblewrap.
 */
import { execFileSync } from 'node:child_process';
import { describe, it } from 'vitest';

/**
 * A `describe` where bubblewrap can make a sandbox. Elsewhere its tests are skipped and the reason is printed; with
 * `CI` set they fail instead, so that nobody takes a run without sandboxes for a proof.
 */
export function describeSandbox(title: string, body: () => void): void {
  const reason = whyNot();
  if (reason === undefined) {
    describe(title, body);
  } else if (process.env.CI) {
    it(title, () => {
      throw new Error(reason);
    });
  } else {
    process.stderr.write(`skipped: ${title}. ${reason}\n`);
    it.skip(title);
  }
}

function whyNot(): string | undefined {
  try {
    execFileSync('bwrap', ['--ro-bind', '/', '/', '--unshare-user', '--unshare-net', '--', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `bubblewrap makes no sandbox here: install the package "bubblewrap" and allow user namespaces (${String(error).trim()})`;
  }
}

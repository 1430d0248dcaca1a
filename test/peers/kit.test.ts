/**
 * Proof of the kit itself: real harnesses against real executors of the same release, nothing of ours between them.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PEER_VERSIONS } from './codex-binary.js';
import { describePeers } from './describe-peers.js';
import { ancestryCommand, ancestryOf } from './process-tree.js';
import { type ListeningExecutor, startListeningExecutor } from './real-executor.js';
import { runRealHarness } from './real-harness.js';
import { applyPatch, execCommand, finalMessage, sessionIdOf, writeStdin } from './scripted-model.js';
import { makeWorkFolder } from './work-folder.js';

describePeers(PEER_VERSIONS, 'a real harness on a real executor', (peer) => {
  let executor: ListeningExecutor;
  let folder: Awaited<ReturnType<typeof makeWorkFolder>>;

  beforeAll(async () => {
    folder = await makeWorkFolder();
    executor = await startListeningExecutor({ peer });
  });
  afterAll(async () => {
    await executor?.stop();
    await folder?.remove();
  });

  it('runs a command on the executor and edits a file', async () => {
    await writeFile(join(folder.path, 'greeting.txt'), 'hello\n');
    const run = await runRealHarness({
      peer,
      execServerUrl: executor.url,
      workFolder: folder.path,
      script: [
        execCommand(ancestryCommand),
        applyPatch('*** Begin Patch\n*** Update File: greeting.txt\n@@\n-hello\n+good morning\n*** End Patch'),
        execCommand('cat greeting.txt; exit 7'),
        finalMessage('done'),
      ],
    });
    const ancestry = ancestryOf(run.outputs[0]?.text ?? '');
    expect(ancestry).toContain(executor.pid);
    expect(ancestry).not.toContain(run.pid);
    expect(run.outputs[2]?.text).toMatch(/code:? 7\b.*good morning/s);
    expect(await readFile(join(folder.path, 'greeting.txt'), 'utf8')).toBe('good morning\n');
    expect(run.exitCode).toBe(0);
    expect(JSON.stringify(run.events.at(-1))).toContain('turn.completed');
  }, 60_000);

  it('writes to a command that is still running', async () => {
    const run = await runRealHarness({
      peer,
      execServerUrl: executor.url,
      workFolder: folder.path,
      script: [
        execCommand('read line; echo "got $line"', { tty: true, yield_time_ms: 250 }),
        (outputs) => writeStdin(sessionIdOf(outputs[0]), 'a word\n', 5000),
        finalMessage('done'),
      ],
    });
    expect(run.outputs[1]?.text).toContain('got a word');
  }, 60_000);
});

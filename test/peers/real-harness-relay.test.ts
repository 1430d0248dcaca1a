/**
 * An unmodified harness does its work on our executor through our rendezvous.
 */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runExecutor } from '../../src/executor/run-executor.js';
import { PEER_VERSIONS } from './codex-binary.js';
import { describePeers } from './describe-peers.js';
import { ENVIRONMENT_ID, messagesIn, methodsIn, type OurRelay, startOurRelay } from './our-relay.js';
import { ancestryCommand, ancestryOf } from './process-tree.js';
import { type RealHarnessRun, runRealHarness } from './real-harness.js';
import { applyPatch, execCommand, finalMessage, type ScriptEntry, sessionIdOf, writeStdin } from './scripted-model.js';
import { makeWorkFolder } from './work-folder.js';

describePeers(PEER_VERSIONS, 'a real harness on our executor through our rendezvous', (peer) => {
  let relay: OurRelay;
  let folder: Awaited<ReturnType<typeof makeWorkFolder>>;
  const stop = { executor: new AbortController(), ended: Promise.resolve() as Promise<unknown> };

  beforeEach(async () => {
    folder = await makeWorkFolder();
    relay = await startOurRelay();
    stop.executor = new AbortController();
    stop.ended = runExecutor({
      remote: relay.registryUrl,
      environmentId: ENVIRONMENT_ID,
      bearerToken: relay.executorToken,
      relay: 'cleartext',
      signal: stop.executor.signal,
    });
    await expect.poll(() => relay.executorTap.connections, { timeout: 10_000 }).toBe(1);
  });
  afterEach(async () => {
    stop.executor.abort();
    await stop.ended;
    await relay.close();
    await folder.remove();
  });

  const run = (...script: ScriptEntry[]): Promise<RealHarnessRun> =>
    runRealHarness({
      peer,
      execServerUrl: relay.harnessUrl,
      workFolder: folder.path,
      script: [...script, finalMessage('done')],
    });

  it('runs a command there and edits files by apply_patch', async () => {
    const path = (name: string) => join(folder.path, name);
    await writeFile(path('greeting.txt'), 'hello\n');
    await writeFile(path('obsolete.txt'), 'gone soon\n');
    const { outputs, exitCode, pid } = await run(
      execCommand(ancestryCommand),
      applyPatch(
        [
          '*** Begin Patch',
          '*** Update File: greeting.txt\n@@\n-hello\n+good morning',
          '*** Add File: new folder/deeper/note.txt\n+first line\n+zweite Zeile: äöü',
          '*** Delete File: obsolete.txt',
          '*** End Patch',
        ].join('\n'),
      ),
      execCommand('cat greeting.txt "new folder/deeper/note.txt"; exit 7'),
    );
    // Both are children of this process, so it is the absence of the harness that tells.
    const ancestry = ancestryOf(outputs[0]?.text ?? '');
    expect(ancestry).toContain(process.pid);
    expect(ancestry).not.toContain(pid);
    expect(outputs[2]?.text).toMatch(/code:? 7\b.*good morning\nfirst line\nzweite Zeile: äöü/s);
    expect(exitCode).toBe(0);
    expect(await readFile(path('greeting.txt'), 'utf8')).toBe('good morning\n');
    expect(await readFile(path('new folder/deeper/note.txt'), 'utf8')).toBe('first line\nzweite Zeile: äöü\n');
    await expect(stat(path('obsolete.txt'))).rejects.toThrow('ENOENT');
    // The harness shares our disk, so it is its calls that tell where the files were edited.
    const asked = methodsIn(messagesIn(relay.harnessTap.seen, 'toServer'));
    expect(asked).toEqual(expect.arrayContaining(['process/start', 'fs/writeFile', 'fs/createDirectory', 'fs/remove']));
  }, 60_000);

  it('types into a terminal that is still running', async () => {
    const { outputs } = await run(
      execCommand('test -t 0 && read line && echo "got $line"', { tty: true, yield_time_ms: 250 }),
      (before) => writeStdin(sessionIdOf(before[0]), 'a word\n', 5000),
    );
    expect(outputs[1]?.text).toContain('got a word');
  }, 60_000);

  it('is sent every message once, whole, and without acknowledgement', async () => {
    await mkdir(join(folder.path, 'many'));
    const { outputs } = await run(
      execCommand(
        'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done | tee many/lines | tail -n 1; wc -c <many/lines',
      ),
      execCommand('head -c 300000 /dev/zero | tr "\\0" x; echo; echo end', { max_output_tokens: 200 }),
    );
    expect(outputs[0]?.text).toContain('line 1999');
    expect(outputs[1]?.text).toMatch(/end\s*$/);
    for (const tap of [relay.harnessTap, relay.executorTap]) {
      expect(tap.sentTwice()).toEqual([]);
      expect(tap.strays).toEqual({ toServer: 0, toClient: 0 });
    }
    const sent = relay.executorTap.seen.filter(({ direction }) => direction === 'toServer');
    expect(sent.length).toBeGreaterThan(10);
    const data = sent.filter(({ kind }) => kind === 'data');
    for (const frame of sent) expect(frame).toMatchObject({ ack: 0, ackBits: 0, reliability: 0 });
    for (const frame of data) expect(frame).toMatchObject({ segmentIndex: 0, segmentCount: 1 });
    // One count from 0 for each stream, as the harness's own.
    for (const streamId of new Set(data.map((frame) => frame.streamId))) {
      const numbers = data.filter((frame) => frame.streamId === streamId).map(({ seq }) => seq);
      expect(numbers).toEqual(numbers.map((_, seq) => seq));
    }
  }, 60_000);

  it('works again in a new run on the same executor', async () => {
    const first = await run(execCommand('echo first'));
    const second = await run(execCommand('echo second'));
    expect([first.outputs[0]?.text, second.outputs[0]?.text]).toEqual([
      expect.stringContaining('first'),
      expect.stringContaining('second'),
    ]);
    expect(relay.executorTap.connections).toBe(1);
  }, 60_000);
});

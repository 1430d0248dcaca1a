/**
 * `signalbox connect` under unmodified harnesses: programs of their own all of them, and the rendezvous killed and
 * started again every three seconds while a command prints. The harness speaks to a local WebSocket and notices nothing.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createToken, printed, type Running, scratchFolder, startProgram, startRendezvous } from '../cli/program.js';
import { describePeers } from './describe-peers.js';
import { runRealHarness } from './real-harness.js';
import { applyPatch, execCommand, finalMessage } from './scripted-model.js';
import { until } from './venue.js';
import { makeWorkFolder } from './work-folder.js';

const LINES = 225;
const PAUSE_S = 0.04;
const EXIT_CODE = 7;
const PACE_MS = 3000;
const COMMAND = `n=1; while [ $n -le ${LINES} ]; do echo "line $n"; [ $n -ne 5 ] || touch started; n=$((n+1)); sleep ${PAUSE_S}; done; exit ${EXIT_CODE}`;
const OUTPUT = Array.from({ length: LINES }, (_, n) => `line ${n + 1}\n`).join('');
const PATCH = '*** Begin Patch\n*** Add File: note.txt\n+written meanwhile\n*** End Patch';

async function kill({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

describePeers(['0.131.0', '0.140.0', '0.169.0'], 'a real harness on signalbox connect', (peer) => {
  it('finishes its turn while the rendezvous is killed every three seconds', { timeout: 120_000 }, async () => {
    const state = await scratchFolder();
    const folder = await makeWorkFolder();
    let { run: rendezvous, url } = await startRendezvous(state, 'http://127.0.0.1:0');
    try {
      const executor = startProgram(
        { state, cwd: folder.path, env: { SIGNALBOX_TOKEN: await createToken(state, 'executor') } },
        ...['executor', '--remote', url, '--environment-id', 'box'],
      );
      await printed(executor, /"online"/, 'stderr');
      const connect = startProgram(
        { state, env: { SIGNALBOX_TOKEN: await createToken(state, 'harness') } },
        ...['connect', '--url', url, '--env', 'box', '--listen', 'ws://127.0.0.1:0'],
      );
      const execServerUrl = await printed(connect, /^(ws:\/\/127\.0\.0\.1:\d+)$/m);
      let isOver = false;
      const running = runRealHarness({
        peer,
        execServerUrl,
        workFolder: folder.path,
        script: [
          execCommand(COMMAND, { yield_time_ms: 30_000, max_output_tokens: 20_000 }),
          applyPatch(PATCH),
          finalMessage('done'),
        ],
        longestRunMs: 90_000,
      }).finally(() => {
        isOver = true;
      });
      running.catch(() => {});
      const started = join(folder.path, 'started');
      await until('the command runs', () => isOver || existsSync(started), 40_000);
      let restarts = 0;
      for (let due = Date.now(); !isOver; due = Date.now() + PACE_MS) {
        await until('it is time', () => isOver || Date.now() >= due, PACE_MS + 1000);
        await kill(rendezvous);
        ({ run: rendezvous } = await startRendezvous(state, url));
        restarts += 1;
      }
      const harness = await running;
      const [output] = harness.outputs;
      expect(output?.text).toMatch(new RegExp(`code:? ${EXIT_CODE}\\b`));
      const shown = /^(?:line \d+\n)+/m.exec(`${output?.text}\n`)?.[0] ?? '';
      expect(shown.trimEnd()).toBe(OUTPUT.trimEnd());
      expect(await readFile(join(folder.path, 'note.txt'), 'utf8')).toBe('written meanwhile\n');
      expect(harness.exitCode).toBe(0);
      expect(restarts).toBeGreaterThanOrEqual(3);
      expect(connect.stderr()).not.toContain('disconnected');
    } finally {
      await kill(rendezvous);
      await folder.remove();
    }
  });
});

/**
 * Unmodified releases at both ends, speaking Noise over our registry and rendezvous, which see nothing of what they say.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { publicKeyToJson } from '../../src/noise/public-key.js';
import { NOISE_RELEASES } from '../noise/noise-releases.js';
import { describePeers } from './describe-peers.js';
import { ENVIRONMENT_ID, type OurRelay } from './our-relay.js';
import { ancestryCommand, ancestryOf } from './process-tree.js';
import { runRealHarness } from './real-harness.js';
import { relayedExecutor } from './relayed-executor.js';
import { applyPatch, execCommand, finalMessage, type ModelStep } from './scripted-model.js';
import { until } from './venue.js';

/** Prints half, waits for the test, prints the rest. By its tenth line the harness has long heard that it runs. */
const HALVES =
  'for n in $(seq 10); do echo line $n; sleep 0.04; done; touch started; until [ -e go ]; do sleep 0.02; done;' +
  'for n in $(seq 11 20); do echo line $n; done; exit 7';
const LINES = Array.from({ length: 20 }, (_, n) => `line ${n + 1}\n`).join('');

/** As it is, and in base64, in which each of three places has a spelling of its own. */
function spellingsOf(word: string): string[] {
  const inBase64 = [0, 1, 2].map((place) => {
    // What shares a group with a neighbour is left out: the first group, and the last.
    const spelled = Buffer.from(' '.repeat(place) + word).toString('base64');
    return spelled.slice(place === 0 ? 0 : 4, 4 * Math.floor((place + word.length) / 3));
  });
  return [word, ...inBase64];
}

/** What the registry tells harnesses about the executor that is attached. */
async function registrationIdAt({ registryUrl, harnessNoiseVariables }: OurRelay): Promise<unknown> {
  const reply = await fetch(`${registryUrl}/cloud/environment/${ENVIRONMENT_ID}/connect`, {
    method: 'POST',
    headers: { authorization: `Bearer ${harnessNoiseVariables.CODEX_EXEC_SERVER_NOISE_AUTH_TOKEN}` },
    body: JSON.stringify({ harness_public_key: publicKeyToJson({ dh: randomBytes(32), kem: randomBytes(1184) }) }),
  });
  expect(reply.status).toBe(200);
  return ((await reply.json()) as Record<string, unknown>).executor_registration_id;
}

describePeers(NOISE_RELEASES, 'a real executor that speaks Noise', (executorPeer) => {
  const current = relayedExecutor(executorPeer);

  describePeers(NOISE_RELEASES, 'with a real harness', (peer) => {
    const run = (...script: ModelStep[]) => {
      const { relay, folder } = current();
      return runRealHarness({
        peer,
        // Not listened to: there must be no way around Noise.
        execServerUrl: 'ws://127.0.0.1:1',
        env: relay.harnessNoiseVariables,
        workFolder: folder.path,
        script: [...script, finalMessage('done')],
      });
    };

    it('runs commands, edits a file and reads a large output, and the rendezvous sees nothing of it', async () => {
      const { relay, executor, folder } = current();
      const { outputs, pid, exitCode } = await run(
        execCommand(`${ancestryCommand}; echo oops >&2; exit 7`),
        applyPatch('*** Begin Patch\n*** Add File: note.txt\n+geschrieben\n*** End Patch'),
        execCommand('seq 100000 159999 | sed s/$/xyz/; echo the end', { yield_time_ms: 20_000 }),
      );
      const ancestry = ancestryOf(outputs[0]?.text ?? '');
      expect(ancestry).toContain(executor.pid);
      expect(ancestry).not.toContain(pid);
      expect(outputs[0]?.text).toMatch(/code:? 7\b.*oops/s);
      expect(await readFile(join(folder.path, 'note.txt'), 'utf8')).toBe('geschrieben\n');
      expect(outputs[2]?.text).toMatch(/Total output lines: 60001\b/);
      expect(outputs[2]?.text).toMatch(/159999xyz\nthe end\s*$/);
      expect(exitCode).toBe(0);

      const seen = Buffer.concat([...relay.harnessTap.messages, ...relay.executorTap.messages]);
      expect(seen.length).toBeGreaterThan(2 * 600_000);
      const methods = ['initialize', 'process/start', 'process/output', 'fs/writeFile'];
      for (const word of [...methods, 'ancestry', 'geschrieben', '159999xyz', folder.path].flatMap(spellingsOf)) {
        expect(seen.includes(word), word).toBe(false);
      }
      for (const tap of [relay.harnessTap, relay.executorTap]) {
        expect(tap.strays).toEqual({ toServer: 0, toClient: 0 });
        expect(tap.texts).toEqual([]);
        expect(tap.sentTwice()).toEqual([]);
      }
    }, 60_000);

    it('resumes when the connection of the harness is cut, and loses no line', async () => {
      const { relay, folder } = current();
      const running = run(execCommand(HALVES, { yield_time_ms: 30_000 }));
      running.catch(() => {});
      await until('the command runs', () => existsSync(join(folder.path, 'started')), 40_000);
      const { connections } = relay.harnessTap;
      relay.harnessTap.cut();
      await until('the harness is back', () => relay.harnessTap.connections > connections);
      await appendFile(join(folder.path, 'go'), '');
      const [output] = (await running).outputs;
      expect(output?.text).toMatch(/code:? 7\b/);
      expect(/^(?:line \d+\n)+/m.exec(`${output?.text}\n`)?.[0].trimEnd()).toBe(LINES.trimEnd());
    }, 90_000);

    it('is served again by an executor whose connection was cut, with the same registration', async () => {
      const { relay } = current();
      const registrationId = await registrationIdAt(relay);
      relay.executorTap.cut();
      await until('the executor is back', () => relay.executorTap.connections === 2);
      expect(await registrationIdAt(relay)).toBe(registrationId);
      const { outputs } = await run(execCommand('echo still here'));
      expect(outputs[0]?.text).toContain('still here');
    }, 60_000);
  });
});

/**
 * Unmodified harnesses that speak Noise, and our responder: they ask the registry, shake hands with us, and run commands
 * and edit files on our executor.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { publicKeyToJson } from '../../src/noise/public-key.js';
import { describePeers } from '../peers/describe-peers.js';
import { ancestryCommand, ancestryOf } from '../peers/process-tree.js';
import { runRealHarness } from '../peers/real-harness.js';
import { applyPatch, execCommand, finalMessage, type ModelStep } from '../peers/scripted-model.js';
import { startPlainVenue, type Venue } from '../peers/venue.js';
import { makeWorkFolder } from '../peers/work-folder.js';
import { type Answer, ENVIRONMENT_ID, type NoiseBridge, startNoiseBridge } from './noise-bridge.js';
import { knowsCredentialRejection, NOISE_RELEASES, retriesHandshake } from './noise-releases.js';

const AUTHORIZATION = 'once-only-authorization';
const TOKEN = 'the-harness-token';

describePeers(NOISE_RELEASES, 'a real harness and our responder', (peer) => {
  let venue: Venue;
  let folder: Awaited<ReturnType<typeof makeWorkFolder>>;
  let bridge: NoiseBridge | undefined;

  beforeEach(async () => {
    venue = await startPlainVenue();
    folder = await makeWorkFolder();
  });

  afterEach(async () => {
    await bridge?.close();
    await venue.close();
    await folder.remove();
  });

  async function run(answers: Answer[], ...script: ModelStep[]) {
    const started = await startNoiseBridge(venue.url, AUTHORIZATION, answers);
    bridge = started;
    const harness = await runRealHarness({
      peer,
      // Not listened to: what is set for Noise goes first, and there must be no way around it.
      execServerUrl: 'ws://127.0.0.1:1',
      env: {
        CODEX_EXEC_SERVER_NOISE_REGISTRY_URL: started.registry.url,
        CODEX_EXEC_SERVER_NOISE_ENVIRONMENT_ID: ENVIRONMENT_ID,
        CODEX_EXEC_SERVER_NOISE_AUTH_TOKEN: TOKEN,
      },
      workFolder: folder.path,
      script: [...script, finalMessage('done')],
    });
    return { bridge: started, harness };
  }

  it('runs a command, edits a file and reads a large output on our executor', async () => {
    const { bridge, harness } = await run(
      [],
      execCommand(ancestryCommand),
      applyPatch('*** Begin Patch\n*** Add File: note.txt\n+geschrieben: äöü\n*** End Patch'),
      execCommand('head -c 300000 /dev/zero | tr "\\0" x; echo; echo end', { max_output_tokens: 200 }),
    );
    const ancestry = ancestryOf(harness.outputs[0]?.text ?? '');
    expect(ancestry).toContain(process.pid);
    expect(ancestry).not.toContain(harness.pid);
    expect(await readFile(join(folder.path, 'note.txt'), 'utf8')).toBe('geschrieben: äöü\n');
    expect(harness.outputs[2]?.text).toMatch(/end\s*$/);
    expect(harness.exitCode).toBe(0);

    const [connect] = bridge.registry.of('connect');
    const [greeting] = bridge.greetings.items;
    expect(connect?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(greeting?.authorization).toBe(AUTHORIZATION);
    expect(connect?.body).toEqual({ harness_public_key: greeting && publicKeyToJson(greeting.harnessKey) });
    const methods = bridge.said.items.map(({ method }) => method);
    expect(methods).toEqual(expect.arrayContaining(['initialize', 'initialized', 'process/start', 'fs/writeFile']));
    expect(bridge.failures).toEqual([]);

    // Whoever stands between them has seen nothing of it.
    const seen = Buffer.concat(
      bridge.registry.rendezvous.sockets.items.flatMap(({ frames }) => frames.items.map(({ bytes }) => bytes)),
    );
    expect(seen.length).toBeGreaterThan(5000);
    for (const word of ['initialize', 'process/start', 'ancestry', 'geschrieben', TOKEN, AUTHORIZATION]) {
      expect(seen.includes(word)).toBe(false);
    }
  }, 60_000);

  if (!retriesHandshake(peer.version)) {
    it('offers no commands when its handshake is reset', async () => {
      await expect(run(['reset'], execCommand('echo it worked'))).rejects.toThrow('offers no tool exec_command');
      expect(bridge?.greetings.items).toHaveLength(1);
    }, 60_000);
    return;
  }

  it('asks for a new bundle and tries again when its handshake is reset', async () => {
    const { bridge, harness } = await run(['reset'], execCommand('echo it worked'));
    expect(harness.outputs[0]?.text).toContain('it worked');
    expect(bridge.greetings.items.length).toBeGreaterThan(1);
    expect(new Set(bridge.greetings.items.map(({ streamId }) => streamId)).size).toBe(bridge.greetings.items.length);
    expect(bridge.failures).toEqual([]);
  }, 60_000);

  if (!knowsCredentialRejection(peer.version)) return;

  it('gives up at once when the executor says that the registry refuses its credential', async () => {
    const { bridge, harness } = await run(['reject_credential'], execCommand('echo it worked'));
    expect(harness.outputs[0]?.text).toContain('No usable execution environment');
    expect(bridge.greetings.items).toHaveLength(1);
    expect(bridge.registry.of('connect')).toHaveLength(1);
    expect(bridge.failures).toEqual([]);
  }, 60_000);
});

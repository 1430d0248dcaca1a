/**
 * Unmodified executors that speak Noise, registered with our registry and used by our client library, which is encrypted
 * by default.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { connect } from '../../src/harness/connect.js';
import { knowsCredentialRejection, NOISE_RELEASES } from '../noise/noise-releases.js';
import { describePeers } from './describe-peers.js';
import { ancestryCommand, ancestryOf } from './process-tree.js';
import { relayedExecutor } from './relayed-executor.js';

describePeers(NOISE_RELEASES, 'a real executor and our client library, encrypted,', (peer) => {
  const current = relayedExecutor(peer);

  it('run commands: output, errors, input, exit codes and signals', async () => {
    const { relay, executor, folder } = current();
    await using harness = await connect(relay.registry);
    const start = (script: string) =>
      harness.startProcess({ argv: ['/bin/sh', '-c', script], cwd: folder.path, stdin: true });

    const child = await start(`${ancestryCommand}; echo oops >&2; exit 7`);
    const [stdout, stderr, closed] = await Promise.all([text(child.stdout), text(child.stderr), child.closed]);
    expect(ancestryOf(stdout)).toContain(executor.pid);
    expect([stderr, closed.exitCode]).toEqual(['oops\n', 7]);

    const reader = await start('read line; echo "got $line"; head -c 300000 | wc -c');
    reader.stdin.write('a word\n');
    reader.stdin.end('x'.repeat(300_000));
    expect(await text(reader.stdout)).toMatch(/^got a word\n\s*300000\n$/);

    const stubborn = await start('trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.05; done');
    const said = text(stubborn.stdout);
    await expect.poll(() => stubborn.lastSeq, { timeout: 10_000 }).toBeGreaterThan(0);
    await stubborn.signal('SIGINT');
    expect(await stubborn.closed).toMatchObject({ exitCode: 5 });
    expect(await said).toBe('ready\ninterrupted\n');
  }, 30_000);

  it('carry messages of many records both ways, one stream beside another', async () => {
    const { relay, folder } = current();
    await using harness = await connect(relay.registry);
    await using other = await connect(relay.registry);
    const content = randomBytes(1_000_000);
    const path = join(folder.path, 'content');
    await harness.files.writeFile(path, content);
    expect(content.equals(await readFile(path))).toBe(true);
    const [read, child] = await Promise.all([
      harness.files.readFile(path),
      other.startProcess({ argv: ['/bin/sh', '-c', "head -c 3000000 /dev/zero | tr '\\0' y"], cwd: folder.path }),
    ]);
    expect(content.equals(read)).toBe(true);
    expect((await text(child.stdout)) === 'y'.repeat(3_000_000)).toBe(true);
    for (const tap of [relay.harnessTap, relay.executorTap]) {
      expect(tap.sentTwice()).toEqual([]);
      expect(tap.seen.filter(({ kind, segmentCount }) => kind === 'data' && segmentCount !== 1)).toEqual([]);
    }
    // Only what begins a handshake announces what a release does not know.
    const announced = relay.harnessTap.seen.filter(({ reliability }) => reliability !== 0);
    expect(new Set(announced.map(({ kind }) => kind))).toEqual(new Set(['resume', 'handshake']));
  }, 30_000);

  it('tell each other when the registry refuses the executor', async () => {
    const { relay, folder } = current();
    await using before = await connect(relay.registry);
    relay.executorTap.answerInstead((path) =>
      path.endsWith('/validate') ? { status: 401, body: { error: { code: 'unauthorized' } } } : undefined,
    );
    const { connections } = relay.harnessTap;
    const error = await connect(relay.registry).then(
      (harness) => harness.close(),
      (reason: unknown) => reason,
    );
    if (knowsCredentialRejection(peer.version)) {
      expect(error).toMatchObject({ code: 'refused', message: expect.stringMatching(/registry/) });
      expect(relay.harnessTap.connections).toBe(connections + 1);
    } else {
      expect(error).toMatchObject({ code: 'unreachable', message: expect.stringMatching(/refused the encrypted/) });
      expect(relay.harnessTap.connections).toBe(connections + 3);
    }
    const child = await before.startProcess({ argv: ['/bin/echo', 'still here'], cwd: folder.path });
    expect(await text(child.stdout)).toBe('still here\n');
  }, 30_000);
});

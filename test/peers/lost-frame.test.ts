/**
 * One frame of an unmodified executor gets lost for ever: between releases the harness would wait without end. Ours sees
 * the gap in the numbers, gives the stream up, resumes the session on another one and reads back what it missed.
 */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, vi } from 'vitest';
import { connect } from '../../src/harness/connect.js';
import { describePeers, releases } from './describe-peers.js';
import { relayedExecutor } from './relayed-executor.js';

const awaitFile = (name: string) => `until [ -e ${name} ]; do sleep 0.02; done`;
const SCRIPT = `echo one; ${awaitFile('second')}; echo two; ${awaitFile('third')}; echo three; ${awaitFile('end')}; exit 6`;

describePeers(releases(['0.140.0'], ['0.131.0']), 'a frame lost on the way from a real executor', (peer) => {
  const current = relayedExecutor(peer);

  it('R9: costs ten seconds, and no output', async () => {
    const { relay, folder } = current();
    const until = (condition: () => boolean) => vi.waitUntil(condition, { interval: 5, timeout: 30_000 });
    const make = (name: string) => appendFile(join(folder.path, name), '');
    const tap = relay.executorTap;
    await using harness = await connect({ url: relay.harnessUrl });
    const child = await harness.startProcess({ argv: ['/bin/sh', '-c', SCRIPT], cwd: folder.path });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      printed += chunk;
    });
    const reading = text(child.stdout);
    await until(() => printed === 'one\n');
    tap.setFaults({ toServer: { drop: 1 } });
    await make('second');
    await until(() => tap.counts.toServer.dropped > 0);
    tap.setFaults({ toServer: {} });
    await make('third');
    await until(() => harness.isRecovering);
    expect(tap.connections).toBe(1);
    await until(() => printed === 'one\ntwo\nthree\n');
    await make('end');
    expect(await child.closed).toEqual({ exitCode: 6 });
    expect(await reading).toBe('one\ntwo\nthree\n');
    expect(tap.counts.toServer.dropped).toBe(1);
  }, 60_000);
});

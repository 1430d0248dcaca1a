/**
 * The stand-ins against real peers: what scenario tests believe of a registry, a rendezvous and a network must be true
 * for the programs they stand in for.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CleartextStream } from '../stand-ins/cleartext-stream.js';
import { type FakeRegistry, startFakeRegistry } from '../stand-ins/fake-registry.js';
import { type FakeRendezvous, startFakeRendezvous } from '../stand-ins/fake-rendezvous.js';
import { describePeers } from './describe-peers.js';
import { ancestryCommand, ancestryOf } from './process-tree.js';
import { type RealExecutor, startRemoteExecutor } from './real-executor.js';
import { runRealHarness } from './real-harness.js';
import { execCommand, finalMessage } from './scripted-model.js';
import { makeWorkFolder } from './work-folder.js';

describePeers(['0.131.0', '0.140.0'], 'a real executor between stand-ins', (peer) => {
  let rendezvous: FakeRendezvous;
  let registry: FakeRegistry;
  let folder: Awaited<ReturnType<typeof makeWorkFolder>>;
  let executor: RealExecutor | undefined;

  beforeEach(async () => {
    folder = await makeWorkFolder();
    rendezvous = await startFakeRendezvous();
    registry = await startFakeRegistry({ rendezvousUrl: `${rendezvous.url}/ws?role=executor&sig=x` });
  });
  afterEach(async () => {
    await executor?.stop();
    await rendezvous.close();
    await registry.close();
    await folder.remove();
  });

  const start = async () => {
    executor = await startRemoteExecutor({
      peer,
      registryUrl: registry.url,
      environmentId: 'box1',
      token: 'sb_token-1',
    });
    return executor;
  };
  const shell = (script: string) => ({
    argv: ['/bin/sh', '-c', script],
    cwd: folder.path,
    env: { PATH: '/usr/bin:/bin' },
    tty: false,
  });

  it('registers with its token and serves two streams on one socket', async () => {
    await start();
    const request = await registry.requests.first();
    const noun = peer.version === '0.131.0' ? 'executor' : 'environment';
    expect(request).toMatchObject({ method: 'POST', path: `/cloud/${noun}/box1/register`, body: '' });
    expect(request.headers.authorization).toBe('Bearer sb_token-1');
    const socket = await rendezvous.sockets.first();
    expect(socket.path).toBe('/ws?role=executor&sig=x');
    expect(socket.request.headers.authorization).toBeUndefined();

    const streams = [new CleartextStream(socket, 'stream-a'), new CleartextStream(socket, 'stream-b')];
    const sessions = await Promise.all(streams.map((stream) => stream.initialize()));
    expect(new Set(sessions).size).toBe(2);
    await Promise.all(
      streams.map(async (stream) => {
        const { error } = await stream.request('process/start', {
          processId: 'p',
          ...shell(`echo ${stream.streamId}; exit 7`),
        });
        expect(error).toBeUndefined();
        expect((await stream.notification('process/exited', 'p')).params).toMatchObject({ exitCode: 7 });
        await stream.notification('process/closed', 'p');
        expect(stream.outputOf('p').toString()).toBe(`${stream.streamId}\n`);
      }),
    );
    streams[0]?.reset('enough');
    expect((await streams[1]?.request('process/read', { processId: 'p' }))?.result).toMatchObject({ closed: true });
    expect(socket.strays.items).toEqual([]);
    // Releases count from 0, one segment a message, and acknowledge nothing.
    for (const { streamId } of streams) {
      const bodies = socket.framesOf(streamId).map(({ ack, ackBits, body }) => ({ ack, ackBits, ...body }));
      expect(bodies).toMatchObject(
        bodies.map((_, seq) => ({ ack: 0, ackBits: 0, kind: 'data', seq, segmentCount: 1 })),
      );
    }
  }, 30_000);

  it('is driven by a real harness through a rendezvous that only forwards', async () => {
    await start();
    const box = await rendezvous.sockets.first();
    void rendezvous.sockets
      .first(({ path }) => path.startsWith('/harness'))
      .then((harness) => {
        harness.onFrame((frame) => box.send(frame));
        box.onFrame((frame) => harness.send(frame));
      });
    const run = await runRealHarness({
      peer,
      execServerUrl: `${rendezvous.url}/harness?role=harness`,
      workFolder: folder.path,
      script: [execCommand(ancestryCommand), finalMessage('done')],
    });
    const ancestry = ancestryOf(run.outputs[0]?.text ?? '');
    expect(ancestry).toContain(executor?.pid);
    expect(ancestry).not.toContain(run.pid);
  }, 30_000);

  it('registers again after its socket was dropped or refused', async () => {
    await start();
    const socket = await rendezvous.sockets.first();
    rendezvous.next({ kind: 'refuse', status: 503 });
    socket.drop();
    const [, second] = await rendezvous.sockets.atLeast(2);
    expect(registry.requests.items.length).toBe(3);
    expect(rendezvous.upgrades.items.length).toBe(3);
    expect(await new CleartextStream(second as typeof socket, 'after').initialize()).toMatch(/^[0-9a-f-]{36}$/);
  }, 30_000);

  it.each([401, 403, 409, 429, 503])('exits when the registry answers %i', async (status) => {
    registry.next({ kind: 'status', status, body: { error: { code: 'no', message: 'because of the test' } } });
    const { ended, output } = await start();
    expect((await ended).exitCode).toBe(1);
    expect(output.stderr).toContain('because of the test');
  });

  it('exits when the registry answers no JSON', async () => {
    registry.next({ kind: 'text', text: '<html>' });
    expect((await (await start()).ended).exitCode).toBe(1);
  });
});

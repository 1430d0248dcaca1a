import { afterEach, describe, expect, it } from 'vitest';
import { createExecutor, type Executor, type ExecutorOptions } from '../../src/executor/executor.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { MemoryClient } from './memory-client.js';

const executors: Executor[] = [];

function executor(options: ExecutorOptions = {}): Executor {
  const made = createExecutor(options);
  executors.push(made);
  return made;
}

/** With virtual time the drain's own deadline never comes: it is not needed, every child dies when it is killed. */
afterEach(async () => {
  await Promise.all(executors.splice(0).map((made) => made.drain()));
});

describe('the lifecycle of a connection', () => {
  it('refuses methods before initialize and before initialized, in the words of the family', async () => {
    const client = new MemoryClient(executor());
    expect(await client.error('process/terminate', { processId: 'p' })).toEqual({
      code: -32600,
      message: 'client must call initialize before using exec methods',
    });
    await client.result('initialize', { clientName: 'test' });
    expect((await client.error('fs/readFile', { path: '/' })).message).toBe(
      'client must send initialized before using filesystem methods',
    );
    client.notify('initialized');
    expect(await client.result('environment/status', {})).toEqual({ status: 'ready' });
  });

  it('tells bad params and unknown methods before it looks at the lifecycle', async () => {
    const client = new MemoryClient(executor());
    expect((await client.error('process/start', {})).message).toBe('missing field `processId`');
    expect(await client.error('nope')).toEqual({
      code: -32601,
      message: 'exec-server stub does not implement `nope` yet',
    });
  });

  it('takes initialize once, but again after one that failed', async () => {
    const client = new MemoryClient(executor());
    expect((await client.error('initialize', { clientName: 'a', resumeSessionId: 'no' })).message).toBe(
      'unknown session id no',
    );
    await client.result('initialize', { clientName: 'a' });
    expect((await client.error('initialize', { clientName: 'a' })).message).toBe(
      'initialize may only be sent once per connection',
    );
  });

  it.each([
    ['an unknown notification', '{"method":"nope"}', 'unexpected_notification'],
    ['a request without id', '{"method":"process/terminate","params":{"processId":"p"}}', 'unexpected_notification'],
    ['an answer to nothing', '{"id":1,"result":{}}', 'unexpected_response'],
    ['an error for nothing', '{"id":1,"error":{"code":1,"message":"x"}}', 'unexpected_response'],
  ])('drops the connection on %s', async (_name, text, reason) => {
    const client = await MemoryClient.ready(executor());
    client.raw(text);
    expect(client.transport.ended).toBe(reason);
  });

  it('drops the connection on initialized before initialize', () => {
    const client = new MemoryClient(executor());
    client.notify('initialized');
    expect(client.transport.ended).toBe('unexpected_notification');
  });

  it('survives what is no message', async () => {
    const client = await MemoryClient.ready(executor());
    client.raw('{no', '[]', '5', '{"id":null,"method":"x"}', '{"id":1.5,"method":"x"}', Buffer.from([0xff]));
    expect(client.messages.items.filter(({ id, error }) => id === -1 && error?.code === -32600)).toHaveLength(6);
    expect(await client.result('environment/status')).toEqual({ status: 'ready' });
  });

  it('resumes a detached session, where the process went on', async () => {
    const server = executor();
    const first = await MemoryClient.ready(server);
    await first.start('p', 'printf one; read line; printf "two:$line"', { pipeStdin: true });
    await first.sees('p', 'one');
    first.disconnect();
    const second = await MemoryClient.ready(server, first.sessionId);
    expect(second.sessionId).toBe(first.sessionId);
    await second.result('process/write', {
      processId: 'p',
      chunk: Buffer.from('x\n').toString('base64'),
      writeId: 'w',
    });
    expect(await second.closed('p')).toBe(0);
    expect(await second.retained('p')).toBe('onetwo:x');
    expect(second.output('p').toString()).toBe('two:x');
  });

  it('refuses to resume a session that is still attached', async () => {
    const server = executor();
    const first = await MemoryClient.ready(server);
    const second = new MemoryClient(server);
    expect(await second.error('initialize', { clientName: 'b', resumeSessionId: first.sessionId })).toEqual({
      code: -32010,
      message: `session ${first.sessionId} is already attached to another connection`,
    });
    await second.result('initialize', { clientName: 'b' });
  });

  it('forgets a detached session at its deadline and kills its processes', async () => {
    const clock = new StepClock();
    const server = executor({ clock, detachedMs: 80_000 });
    const first = await MemoryClient.ready(server);
    await first.start('p', 'echo $$; exec sleep 600');
    await first.sees('p', '\n');
    const pid = Number(first.output('p').toString());
    first.disconnect();
    clock.advance(79_999);
    expect(isAlive(pid)).toBe(true);
    clock.advance(1);
    await until(() => !isAlive(pid));
    const second = new MemoryClient(server);
    expect((await second.error('initialize', { clientName: 'b', resumeSessionId: first.sessionId })).message).toBe(
      `unknown session id ${first.sessionId}`,
    );
  });

  it('keeps sessions apart: one process id, two connections', async () => {
    const server = executor();
    const [one, two] = [await MemoryClient.ready(server), await MemoryClient.ready(server)];
    await one.start('p', 'printf one');
    await two.start('p', 'printf two');
    await Promise.all([one.closed('p'), two.closed('p')]);
    expect([one.output('p').toString(), two.output('p').toString()]).toEqual(['one', 'two']);
  });

  it('ends every process when it is drained, also one that ignores signals', async () => {
    const server = executor();
    const client = await MemoryClient.ready(server);
    await client.start('p', 'trap "" TERM INT HUP; echo $$; while :; do sleep 0.1; done');
    await client.sees('p', '\n');
    const pid = Number(client.output('p').toString());
    await server.drain();
    expect(isAlive(pid)).toBe(false);
    expect(server.actor.getSnapshot().status).toBe('done');
    expect((await client.error('environment/status')).message).toContain('shutting down');
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

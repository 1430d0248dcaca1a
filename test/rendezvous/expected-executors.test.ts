/**
 * Harnesses that ask for an executor which is about to be back, on a clock in the test's hand, and at a real registry.
 */
import { describe, expect, it } from 'vitest';
import { ExpectedExecutors } from '../../src/rendezvous/expected-executors.js';
import { StepClock } from '../stand-ins/step-clock.js';
import { registryForTest } from './registry-for-test.js';
import { until } from './relay-peer.js';

const options = { expectedMs: 10_000, longestWaitMs: 4000, most: 3 };

function expecting() {
  const clock = new StepClock();
  const executors = new ExpectedExecutors({ ...options, clock });
  const asks = async (environmentId: string) => {
    let isOver = false;
    void executors.wait(environmentId).then(() => {
      isOver = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    return () => isOver;
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, executors, asks, settled };
}

describe('whoever asks for an executor', () => {
  it('waits for it right after the rendezvous began, and is told as soon as it is there', async () => {
    const { executors, asks, settled } = expecting();
    const [mine, another] = [await asks('mine'), await asks('another')];
    expect([mine(), another()]).toEqual([false, false]);
    executors.arrived('mine');
    await settled();
    expect([mine(), another()]).toEqual([true, false]);
  });

  it('waits for one that was lost a moment ago, and no longer than it may', async () => {
    const { clock, executors, asks, settled } = expecting();
    clock.advance(options.expectedMs);
    expect((await asks('mine'))()).toBe(true);
    executors.lost('mine');
    const mine = await asks('mine');
    clock.advance(options.longestWaitMs - 1);
    await settled();
    expect(mine()).toBe(false);
    clock.advance(1);
    await settled();
    expect(mine()).toBe(true);
    clock.advance(options.expectedMs);
    expect((await asks('mine'))()).toBe(true);
  });

  it('waits for nobody when the rendezvous ends', async () => {
    const { executors, asks, settled } = expecting();
    const asked = [await asks('mine'), await asks('mine'), await asks('another')];
    executors.close();
    await settled();
    expect(asked.map((isOver) => isOver())).toEqual([true, true, true]);
  });

  it('may find that too many were lost to remember the first', async () => {
    const { clock, executors, asks } = expecting();
    clock.advance(options.expectedMs);
    for (const id of ['a', 'b', 'c', 'd']) executors.lost(id);
    expect((await asks('a'))()).toBe(true);
    expect((await asks('b'))()).toBe(false);
  });
});

describe('the registry', () => {
  it('answers a harness once the executor is back that was lost', async () => {
    const { attach, bundle, lines } = await registryForTest();
    const { executor } = await attach();
    executor.socket.terminate();
    await until(() => lines.some((line) => line.includes('executor gone')));
    const asked = bundle();
    const { registrationId } = await attach();
    expect((await asked).executor_registration_id).toBe(registrationId);
  });

  it('answers at once when the executor has said goodbye', async () => {
    const limits = { executorExpectedMs: 1, executorWaitMs: 60_000 };
    const { attach, connect, lines } = await registryForTest({ limits });
    const { executor } = await attach();
    executor.socket.close(1001, 'draining');
    await until(() => lines.some((line) => line.includes('executor gone')));
    expect((await connect()).status).toBe(409);
  });
});

/**
 * One suite for every implementation of key encapsulation that this Node can run, and the thread pool's own behaviour.
 */
import { Worker } from 'node:worker_threads';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { NoiseIdentity } from '../../src/noise/identity.js';
import { InitiatorHandshake } from '../../src/noise/initiator-handshake.js';
import type { OpenedKem } from '../../src/noise/kem.js';
import { KemPool } from '../../src/noise/kem-pool.js';
import { nativeKem } from '../../src/noise/native-kem.js';
import { openKem } from '../../src/noise/open-kem.js';
import { ResponderHandshake } from '../../src/noise/responder-handshake.js';
import { InlineKem } from './inline-kem.js';

const pool = new KemPool({ threads: 2 });
const native = nativeKem();
/** Node has its own from 24.7 on. */
const implementations: [string, OpenedKem][] = [
  ['the thread pool', pool],
  ...(native ? [['node:crypto', native] as [string, OpenedKem]] : []),
];
const opened: KemPool[] = [];

function openPool(...options: ConstructorParameters<typeof KemPool>): KemPool {
  const created = new KemPool(...options);
  opened.push(created);
  return created;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

afterAll(async () => {
  for (const [, kem] of implementations) {
    const late = Promise.allSettled([kem.generate()]);
    await kem.close();
    expect(await late).toMatchObject([{ reason: { code: 'noise_kem_lost' } }]);
    await expect(kem.generate()).rejects.toMatchObject({ code: 'noise_kem_lost' });
  }
});

describe.each(implementations)('key encapsulation by %s', (_name, kem) => {
  it('gives both ends the same secret, and each time another', async () => {
    const { publicKey, secretKey } = await kem.generate();
    expect(publicKey).toHaveLength(1184);
    const [one, other] = [await kem.encapsulate(publicKey), await kem.encapsulate(publicKey)];
    expect(one.ciphertext).toHaveLength(1088);
    expect(one.sharedSecret).toHaveLength(32);
    expect(Buffer.from(one.sharedSecret).equals(other.sharedSecret)).toBe(false);
    for (const { ciphertext, sharedSecret } of [one, other]) {
      expect(Buffer.from(sharedSecret).equals(await kem.decapsulate(secretKey, ciphertext))).toBe(true);
    }
  });

  it('agrees with FIPS 203 as another library has it', async () => {
    const theirs = ml_kem768.keygen();
    const { ciphertext, sharedSecret } = await kem.encapsulate(theirs.publicKey);
    expect(Buffer.from(ml_kem768.decapsulate(ciphertext, theirs.secretKey)).equals(sharedSecret)).toBe(true);
    const ours = await kem.generate();
    const theirSecret = ml_kem768.encapsulate(ours.publicKey);
    expect(
      Buffer.from(theirSecret.sharedSecret).equals(await kem.decapsulate(ours.secretKey, theirSecret.cipherText)),
    ).toBe(true);
  });

  it('gives another secret, and no error, for a ciphertext that was altered', async () => {
    const { publicKey, secretKey } = await kem.generate();
    const { ciphertext, sharedSecret } = await kem.encapsulate(publicKey);
    const altered = Uint8Array.from(ciphertext);
    altered[7] = (altered[7] as number) ^ 1;
    expect(Buffer.from(sharedSecret).equals(await kem.decapsulate(secretKey, altered))).toBe(false);
  });

  it('refuses what is no key or ciphertext, and goes on', async () => {
    const refused = { code: 'noise_handshake_failed', initiator: 'peer' };
    for (const key of [new Uint8Array(1184).fill(255), new Uint8Array(1183), new Uint8Array()]) {
      await expect(kem.encapsulate(key)).rejects.toMatchObject(refused);
    }
    const { publicKey, secretKey } = await kem.generate();
    await expect(kem.decapsulate(secretKey, new Uint8Array(1087))).rejects.toMatchObject(refused);
    await expect(kem.encapsulate(publicKey)).resolves.toBeDefined();
  });

  it('uses no key that was wiped', async () => {
    const { publicKey, secretKey } = await kem.generate();
    const { ciphertext } = await kem.encapsulate(publicKey);
    secretKey.wipe();
    await expect(kem.decapsulate(secretKey, ciphertext)).rejects.toMatchObject({ code: 'noise_secret_wiped' });
  });

  it('leaves turns of the event loop to others between its operations', async () => {
    const { publicKey } = await kem.generate();
    let turns = 0;
    let under = true;
    const others = () => {
      turns += 1;
      if (under) setImmediate(others);
    };
    setImmediate(others);
    await Promise.all(Array.from({ length: 60 }, () => kem.encapsulate(publicKey)));
    under = false;
    // Of the thread pool a few results may come in one turn.
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it('refuses what is more than may wait', async () => {
    const asked = Array.from({ length: 140 }, () => kem.generate());
    const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'noise_kem_saturated' } });
    await expect(kem.generate()).resolves.toBeDefined();
  });

  it('shakes hands with the other implementation', async () => {
    const inline = new InlineKem();
    const [harness, executor] = [await NoiseIdentity.generate(kem), await NoiseIdentity.generate(inline)];
    const binding = { environmentId: 'e', registrationId: 'r', streamId: 's' };
    const common = { binding, authorization: 'x' };
    const initiator = await InitiatorHandshake.begin({
      ...common,
      identity: harness,
      executorKey: executor.publicKey,
      kem,
    });
    const responder = await ResponderHandshake.read(initiator.message, { identity: executor, binding, kem: inline });
    const { message, channel } = await responder.accept();
    expect((await initiator.finish(message)).handshakeHash).toEqual(channel.handshakeHash);
    const back = await InitiatorHandshake.begin({
      ...common,
      identity: executor,
      executorKey: harness.publicKey,
      kem: inline,
    });
    const reader = await ResponderHandshake.read(back.message, { identity: harness, binding, kem });
    const answer = await reader.accept();
    expect((await back.finish(answer.message)).handshakeHash).toEqual(answer.channel.handshakeHash);
  });
});

describe('the one a program opens', () => {
  it('is of Node where it has one, else the pool', async () => {
    const kem = openKem();
    expect(kem instanceof KemPool).toBe(native === undefined);
    const { publicKey } = await kem.generate();
    expect(publicKey).toHaveLength(1184);
    await kem.close();
  });
});

describe('the thread pool', () => {
  it('answers everything that was asked at once', async () => {
    const kem = openPool({ threads: 2 });
    const { publicKey, secretKey } = await kem.generate();
    const encapsulated = await Promise.all(Array.from({ length: 100 }, () => kem.encapsulate(publicKey)));
    const secrets = await Promise.all(encapsulated.map(({ ciphertext }) => kem.decapsulate(secretKey, ciphertext)));
    expect(secrets.map((secret) => Buffer.from(secret).toString('hex'))).toEqual(
      encapsulated.map(({ sharedSecret }) => Buffer.from(sharedSecret).toString('hex')),
    );
  });

  it('refuses what is more than may wait, and recovers', async () => {
    const kem = openPool({ mostWaiting: 3 });
    // Two are in the thread's hands, three wait.
    const asked = Array.from({ length: 8 }, () => kem.generate());
    const outcomes = (await Promise.allSettled(asked)).map(({ status }) => status);
    expect(outcomes).toEqual([...new Array(5).fill('fulfilled'), ...new Array(3).fill('rejected')]);
    await expect(asked[7]).rejects.toMatchObject({ code: 'noise_kem_saturated', initiator: 'local' });
    await expect(kem.generate()).resolves.toBeDefined();
  });

  it('rejects what its thread had in hand when that ends, and starts another', async () => {
    const kem = openPool();
    const workers: Worker[] = [];
    const postMessage = Worker.prototype.postMessage;
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
      workers.push(this);
      postMessage.apply(this, args);
    });
    await kem.generate();
    const asked = [kem.generate(), kem.generate()];
    await workers[0]?.terminate();
    for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'noise_kem_lost' });
    await expect(kem.generate()).resolves.toBeDefined();
    expect(new Set(workers).size).toBe(2);
  });

  it('ends a thread that has nothing to do, and starts another when it has', async () => {
    const kem = openPool({ idleMs: 1 });
    const terminate = vi.spyOn(Worker.prototype, 'terminate');
    await kem.generate();
    await vi.waitFor(() => expect(terminate).toHaveBeenCalledTimes(1));
    await expect(kem.generate()).resolves.toBeDefined();
  });

  it('rejects everything when it is closed', async () => {
    const kem = openPool({ mostWaiting: 20 });
    const asked = Array.from({ length: 10 }, () => kem.generate());
    const outcomes = Promise.allSettled(asked);
    await kem.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'noise_kem_lost' } });
    }
    await expect(kem.generate()).rejects.toMatchObject({ code: 'noise_kem_lost' });
  });
});

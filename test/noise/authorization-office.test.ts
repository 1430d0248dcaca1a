import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuthorizationOffice } from '../../src/noise/authorization-office.js';

const randomKey = () => ({ dh: randomBytes(32), kem: randomBytes(1184) });
const grant = { environmentId: 'box1', registrationId: 'r1', harnessKey: randomKey() };
const NOW = 1_700_000_000_000;

describe('R13: an authorization', () => {
  it('is good once', () => {
    const office = new AuthorizationOffice();
    const authorization = office.issue(grant, NOW);
    expect(office.redeem(authorization, grant, NOW + 59_999)).toBeUndefined();
    expect(office.redeem(authorization, grant, NOW + 59_999)).toBe('authorization_used');
    // Another one for the same is not affected.
    expect(office.redeem(office.issue(grant, NOW), grant, NOW)).toBeUndefined();
  });

  it('is good for a short time', () => {
    const office = new AuthorizationOffice({ lifetimeMs: 1000 });
    const authorization = office.issue(grant, NOW);
    expect(office.redeem(authorization, grant, NOW + 1000)).toBe('authorization_expired');
    const [id, expires, signature] = authorization.split('.');
    const prolonged = `${id}.${Number(expires) + 1}.${signature}`;
    expect(office.redeem(prolonged, grant, NOW)).toBe('authorization_invalid');
  });

  it.each([
    ['key', { ...grant, harnessKey: { ...grant.harnessKey, kem: randomBytes(1184) } }],
    ['environment', { ...grant, environmentId: 'box2' }],
    ['registration', { ...grant, registrationId: 'r2' }],
    ['shift between environment and registration', { ...grant, environmentId: 'box1r', registrationId: '1' }],
  ])('is good for no other %s, and a wrong try does not use it up', (_what, foreign) => {
    const office = new AuthorizationOffice();
    const authorization = office.issue(grant, NOW);
    expect(office.redeem(authorization, foreign, NOW)).toBe('authorization_invalid');
    expect(office.redeem(authorization, grant, NOW)).toBeUndefined();
  });

  it('of another process, or of nobody, is refused', () => {
    const office = new AuthorizationOffice();
    expect(office.redeem(new AuthorizationOffice().issue(grant, NOW), grant, NOW)).toBe('authorization_invalid');
    for (const text of ['', 'x', 'a.b.c', `${office.issue(grant, NOW)}=`, 'x'.repeat(4096)]) {
      expect(office.redeem(text, grant, NOW)).toBe('authorization_malformed');
    }
  });

  it('is refused, not taken twice, when more are in use than can be remembered', () => {
    const office = new AuthorizationOffice({ lifetimeMs: 1000, mostUsed: 2 });
    const redeemNew = (now: number) => office.redeem(office.issue(grant, now), grant, now);
    expect([redeemNew(NOW), redeemNew(NOW), redeemNew(NOW)]).toEqual([undefined, undefined, 'authorization_saturated']);
    expect(redeemNew(NOW + 1000)).toBeUndefined();
  });

  it('fits into a handshake', () => {
    expect(Buffer.byteLength(new AuthorizationOffice().issue(grant))).toBeLessThan(128);
  });
});

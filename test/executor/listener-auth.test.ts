import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { capabilityTokenAuth, digestOf, signedBearerAuth } from '../../src/executor/listener-auth.js';

const secret = Buffer.from('0123456789abcdef0123456789abcdef');
const now = () => Math.floor(Date.now() / 1000);

function jwt(claims: Record<string, unknown>, key = secret, alg = 'HS256'): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(key);
}

describe('a capability token', () => {
  const auth = capabilityTokenAuth(digestOf('open sesame'));

  it('lets its holder in, whatever the case of the scheme', async () => {
    expect(await auth('Bearer open sesame')).toBeUndefined();
    expect(await auth('bEaReR open sesame')).toBeUndefined();
    expect(digestOf('x')).toEqual(createHash('sha256').update('x').digest());
  });

  it.each([
    [undefined, 'missing websocket bearer token'],
    ['Bearer open sesam', 'invalid websocket bearer token'],
    ['Basic b3Blbg==', 'invalid authorization header'],
    ['Bearer ', 'invalid authorization header'],
    ['', 'invalid authorization header'],
  ])('refuses %j', async (header, text) => {
    expect(await auth(header)).toBe(text);
  });

  it('needs a digest of the right length', () => {
    expect(() => capabilityTokenAuth(Buffer.alloc(31))).toThrow(/64 hex digits/);
  });
});

describe('a signed bearer token', () => {
  const auth = signedBearerAuth({ secret, issuer: 'me', audience: 'you' });
  const good = { exp: now() + 60, iss: 'me', aud: 'you' };

  it('lets in who has one, with the audience alone or among others', async () => {
    expect(await auth(`Bearer ${await jwt(good)}`)).toBeUndefined();
    expect(await auth(`Bearer ${await jwt({ ...good, aud: ['them', 'you'] })}`)).toBeUndefined();
    expect(await auth(`Bearer ${await jwt({ ...good, exp: now() - 10 })}`)).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['an hour too late', { ...good, exp: now() - 3600 }, 'expired websocket jwt'],
    ['an hour too early', { ...good, nbf: now() + 3600 }, 'websocket jwt is not valid yet'],
    ['from another issuer', { ...good, iss: 'them' }, 'websocket jwt issuer mismatch'],
    ['for another audience', { ...good, aud: 'them' }, 'websocket jwt audience mismatch'],
    ['that never expires', { iss: 'me', aud: 'you' }, 'invalid websocket jwt'],
  ])('refuses one %s', async (_what, claims, text) => {
    expect(await auth(`Bearer ${await jwt(claims)}`)).toBe(text);
  });

  it('refuses one signed by somebody else, with another algorithm, or not at all', async () => {
    const other = Buffer.from('ffffffffffffffffffffffffffffffff');
    expect(await auth(`Bearer ${await jwt(good, other)}`)).toBe('invalid websocket jwt');
    expect(await auth(`Bearer ${await jwt(good, Buffer.concat([secret, secret]), 'HS512')}`)).toBe(
      'invalid websocket jwt',
    );
    const [, payload] = (await jwt(good)).split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    expect(await auth(`Bearer ${unsigned}`)).toBe('invalid websocket jwt');
    expect(await auth('Bearer nonsense')).toBe('invalid websocket jwt');
  });

  it('needs a secret of 32 bytes', () => {
    expect(() => signedBearerAuth({ secret: secret.subarray(1) })).toThrow(/at least 32 bytes/);
  });
});

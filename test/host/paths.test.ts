import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childEnvironment, type EnvPolicy } from '../../src/host/env-policy.js';
import { asOsError, OsError } from '../../src/host/os-error.js';
import { formatPath, parsePath, toFileUri } from '../../src/host/paths.js';

describe('paths', () => {
  it.each([
    ['/tmp', { native: '/tmp', form: 'plain' }],
    ['/with space%20', { native: '/with space%20', form: 'plain' }],
    ['rel', { native: 'rel', form: 'plain' }],
    ['file:///tmp', { native: '/tmp', form: 'uri' }],
    ['file:/tmp', { native: '/tmp', form: 'uri' }],
    ['file://localhost/tmp', { native: '/tmp', form: 'uri' }],
    ['file:///a/../b/', { native: '/b/', form: 'uri' }],
    ['file:///sp%20ace%2520%C3%A9', { native: '/sp ace%20é', form: 'uri' }],
    ['file://other/x', { native: '/x', form: 'uri', foreignUri: 'file://other/x' }],
  ])('%s', (text, path) => {
    expect(parsePath(text)).toEqual(path);
  });

  it.each([
    ['http://x/tmp', 'unsupported path URI scheme `http`'],
    ['file:///tmp?x=1', 'query parameters are not allowed in path URIs'],
    ['file:///tmp#f', 'fragments are not allowed in path URIs'],
    ['file:///a%00b', 'invalid URI: a path must not contain a NUL byte'],
    ['file:///a%ff', 'invalid URI: its path is not UTF-8'],
    ['http://[', 'invalid URI: it cannot be parsed'],
  ])('%s is refused', (text, message) => {
    expect(() => parsePath(text)).toThrow(message);
  });

  it('come back from their URI as they were', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((name) => name.isWellFormed() && !/[/\0]/.test(name) && name !== '.' && name !== '..');
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
        const native = `/${segments.join('/')}`;
        expect(parsePath(toFileUri(native))).toEqual({ native, form: 'uri' });
        expect(formatPath(native, 'plain')).toBe(native);
      }),
    );
  });
});

describe('the environment policy', () => {
  const own = {
    HOME: '/root',
    PATH: '/bin',
    XS_A: '1',
    XS_TOKEN: 't',
    api_key: 'k',
    PASSWORD: 'p',
    SIGNALBOX_TOKEN: 's',
  };
  const policy = (changes: Partial<EnvPolicy>): EnvPolicy => ({
    inherit: 'none',
    ignoreDefaultExcludes: true,
    exclude: [],
    set: {},
    includeOnly: [],
    ...changes,
  });

  it.each([
    ['no policy', undefined, { X: '1' }, { X: '1' }],
    ['nothing', policy({}), {}, {}],
    ['core', policy({ inherit: 'core' }), {}, { HOME: '/root', PATH: '/bin' }],
    [
      'default excludes',
      policy({ inherit: 'all', ignoreDefaultExcludes: false }),
      {},
      { HOME: '/root', PATH: '/bin', XS_A: '1', PASSWORD: 'p' },
    ],
    ['exclude', policy({ inherit: 'all', exclude: ['xs_*', '?ASSWORD', 'API*'] }), {}, { HOME: '/root', PATH: '/bin' }],
    [
      'include only, also of set',
      policy({ inherit: 'all', includeOnly: ['xs_*', 'z'], set: { Z: 'z', Y: 'y' } }),
      {},
      { XS_A: '1', XS_TOKEN: 't', Z: 'z' },
    ],
    ['overlay last', policy({ set: { S: 'set', O: 'policy' } }), { O: 'overlay' }, { S: 'set', O: 'overlay' }],
  ])('%s', (_name, given, overlay, expected) => {
    expect(childEnvironment(own, overlay, given)).toEqual(expected);
  });

  it('matches in bounded time', () => {
    const exclude = [`${'*a'.repeat(30)}*b`];
    const long = { ['a'.repeat(5_000)]: '1' };
    expect(childEnvironment(long, {}, policy({ inherit: 'all', exclude }))).toEqual(long);
  });
});

describe('operating system errors', () => {
  it('speak like the peers', () => {
    expect(new OsError(2).message).toBe('No such file or directory (os error 2)');
    expect(new OsError(40)).toMatchObject({ message: 'Symbolic link loop (os error 40)', code: 'os_eloop', errno: 40 });
    expect(new OsError(71).message).toBe('Protocol error (os error 71)');
    expect(asOsError('x')).toBe('x');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinMessage } from '../../src/rpc/base64-message.js';
import { decodeBase64 } from '../../src/rpc/base64-text.js';
import { BulkResult, encodeError, encodeMalformed, encodeResult, parseMessage } from '../../src/rpc/envelope.js';
import { RpcCode, RpcError } from '../../src/rpc/rpc-error.js';

const parse = (text: string) => parseMessage(Buffer.from(text));

describe('the envelope', () => {
  it.each([
    ['{"id":1,"method":"a"}', { kind: 'request', id: '1', method: 'a', params: undefined }],
    ['{"jsonrpc":"1.0","id":-7,"method":"a","params":[1]}', { kind: 'request', id: '-7', method: 'a', params: [1] }],
    ['{"id":"","method":"a","trace":null,"x":1}', { kind: 'request', id: '""', method: 'a', params: undefined }],
    ['{"method":"a","params":null}', { kind: 'notification', method: 'a', params: null }],
    ['{"id":1,"result":null}', { kind: 'response' }],
    ['{"id":1,"error":{"code":1,"message":"x"}}', { kind: 'response' }],
  ])('reads %s', (text, incoming) => {
    expect(parse(text)).toEqual(incoming);
  });

  it.each([
    '',
    '{',
    '[]',
    '5',
    'null',
    '"x"',
    '{}',
    '{"id":1}',
    '{"id":null,"method":"a"}',
    '{"id":{},"method":"a"}',
    '{"method":5}',
  ])('takes %j for no message', (text) => {
    expect(parse(text).kind).toBe('malformed');
  });

  it('echoes 64-bit ids digit by digit, wherever they stand', () => {
    const texts = [
      '{"id":9223372036854775807,"method":"a","params":{"id":5}}',
      '{"params":{"id":5,"x":["id",7]},"s":"\\"id\\":3","method":"a","id": 9223372036854775807 }',
    ];
    for (const text of texts) expect(parse(text)).toMatchObject({ id: '9223372036854775807' });
  });

  it('never throws, whatever bytes come', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => parseMessage(bytes).kind.length > 0));
    fc.assert(fc.property(fc.json(), (text) => parse(text).kind.length > 0));
  });

  it('writes results and errors without a jsonrpc member', () => {
    expect(encodeResult('"a"', { x: 1 }).toString()).toBe('{"id":"a","result":{"x":1}}');
    expect(JSON.parse(encodeError('5', new RpcError(RpcCode.notFound, 'é"')).toString())).toEqual({
      id: 5,
      error: { code: -32004, message: 'é"' },
    });
    expect(JSON.parse(encodeMalformed('exec-server stdio', 'x').toString()).error.message).toBe(
      'failed to parse JSON-RPC message from exec-server stdio: x',
    );
  });

  it('writes bulk bytes as the base64 that JSON.stringify would carry', () => {
    const sizes = fc.oneof(fc.nat(10), fc.integer({ min: 48 * 1024 - 3, max: 48 * 1024 + 3 }), fc.nat(200_000));
    fc.assert(
      fc.property(sizes, fc.string(), (size, name) => {
        const bytes = Buffer.alloc(size, name || 'x');
        const result = new BulkResult([`{"name":${JSON.stringify(name)},"chunk":"`, bytes, '"}']);
        expect(JSON.parse(encodeResult('1', result).toString())).toEqual({
          id: 1,
          result: { name, chunk: bytes.toString('base64') },
        });
      }),
      { numRuns: 60 },
    );
    expect(joinMessage([]).byteLength).toBe(0);
  });
});

describe('strict base64', () => {
  it('decodes what encoders write', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual({ bytes: Buffer.from(bytes) });
      }),
    );
  });

  it.each([
    ['%%%', 'Invalid symbol 37, offset 0.'],
    ['YQ', 'Invalid padding'],
    ['YQ=', 'Invalid padding'],
    ['YR==', 'Invalid last symbol 82, offset 1.'],
    ['YWF=', 'Invalid last symbol 70, offset 2.'],
    ['YQ==\n', 'Invalid symbol 10, offset 4.'],
    ['YQ-_', 'Invalid symbol 45, offset 2.'],
    ['YQ==YQ==', 'Invalid symbol 61, offset 2.'],
    ['Y', 'Invalid input length: 1'],
    ['é', 'Invalid symbol 195, offset 0.'],
  ])('refuses %j', (text, fault) => {
    expect(decodeBase64(text)).toEqual({ fault });
  });

  it('takes exactly the texts that encode their own bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQRw+/=-_ \n'), maxLength: 9 }), (text) => {
        const exact = Buffer.from(text, 'base64').toString('base64') === text;
        expect('bytes' in decodeBase64(text)).toBe(exact);
      }),
    );
  });
});

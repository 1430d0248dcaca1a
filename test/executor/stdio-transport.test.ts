import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createExecutor, type Executor } from '../../src/executor/executor.js';
import { serveStdio } from '../../src/executor/stdio-transport.js';
import { AwaitedList } from '../stand-ins/awaited-list.js';

const executors: Executor[] = [];
afterEach(async () => {
  for (const executor of executors.splice(0)) await executor.drain();
});

interface Line {
  readonly id?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

function serving() {
  const executor = createExecutor();
  executors.push(executor);
  const input = new PassThrough();
  const output = new PassThrough();
  const lines = new AwaitedList<Line>('lines', (line) => JSON.stringify(line));
  let rest = '';
  output.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part) as Line);
  });
  return { input, output, lines, over: serveStdio(executor.server, input, output) };
}

const initialize = '{"id":1,"method":"initialize","params":{"clientName":"x"}}\n';

describe('standard streams', () => {
  it('carry one message a line, blank lines left out, wherever the chunks are cut', async () => {
    const { input, lines, over } = serving();
    const text = `\n  \n${initialize}\r\n{"method":"initialized"}\n{"id":"ä","method":"environment/status"}\n`;
    for (const byte of Buffer.from(text)) input.write(Buffer.from([byte]));
    await lines.atLeast(2);
    expect(lines.items.map(({ id }) => id)).toEqual([1, 'ä']);
    input.end();
    await over;
  });

  it('answer a line that is no message, and go on', async () => {
    const { input, lines } = serving();
    input.write(`nonsense\n${initialize}`);
    await lines.atLeast(2);
    expect(lines.items[0]).toMatchObject({ id: -1, error: { code: -32600 } });
    expect(lines.items[0]?.error?.message).toMatch(/^failed to parse JSON-RPC message from exec-server stdio: /);
    expect(lines.items[1]).toMatchObject({ id: 1 });
  });

  it('give every answer that is owed before they end', async () => {
    const { input, lines, over } = serving();
    input.end(`${initialize}{"method":"initialized"}\n{"id":2,"method":"environment/status"}\n`);
    await over;
    expect(lines.items.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('end when the output breaks, and when the client breaks the protocol', async () => {
    const first = serving();
    first.output.destroy(new Error('nobody there'));
    await first.over;
    const second = serving();
    second.input.write('{"method":"surprise"}\n');
    await second.over;
  });
});

import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  applyPatch,
  execCommand,
  finalMessage,
  type ScriptEntry,
  type ScriptedModel,
  sessionIdOf,
  simultaneously,
  startScriptedModel,
  writeStdin,
} from './scripted-model.js';

const TOOLS = ['exec_command', 'write_stdin', 'apply_patch'].map((name) => ({ name }));

describe('scripted model', () => {
  let model: ScriptedModel;
  afterEach(() => model.close());

  async function start(...script: ScriptEntry[]): Promise<void> {
    model = await startScriptedModel(script);
  }

  function output(call: number, text: unknown, type = 'function_call_output') {
    return { type, call_id: `call-${call}`, output: text };
  }

  async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${model.baseUrl}/responses`, { method: 'POST', body, headers });
  }

  /** The item a harness would get for this input. */
  async function ask(...input: object[]): Promise<Record<string, unknown>> {
    const text = await (await post(JSON.stringify({ input, tools: TOOLS }))).text();
    const data = /event: response\.output_item\.done\ndata: (.*)\n\n/.exec(text)?.[1];
    return data === undefined ? { answered: text } : (JSON.parse(data) as { item: Record<string, unknown> }).item;
  }

  it('gives the step that follows from the outputs, and the same again to a harness that asks again', async () => {
    await start(
      execCommand('cat', { tty: true }),
      (outputs) => writeStdin(sessionIdOf(outputs[0]), 'hi'),
      applyPatch('*** Begin Patch'),
      finalMessage('done'),
    );
    const running = output(0, 'Process running with session ID 4711');
    const first = {
      type: 'function_call',
      call_id: 'call-0',
      name: 'exec_command',
      arguments: '{"cmd":"cat","tty":true}',
    };
    expect([await ask({ type: 'message' }), await ask()]).toEqual([first, first]);
    const second = { type: 'function_call', call_id: 'call-1', name: 'write_stdin' };
    for (const item of [await ask(running), await ask(running)]) {
      expect(item).toEqual({ ...second, arguments: '{"session_id":4711,"chars":"hi"}' });
    }
    expect(await ask(running, output(1, 'hi'))).toEqual({
      type: 'custom_tool_call',
      call_id: 'call-2',
      name: 'apply_patch',
      input: '*** Begin Patch',
    });
    expect(model.finished).toBe(false);
    const last = await ask(
      running,
      output(1, 'hi'),
      output(2, { content: [{ text: 'ok' }] }, 'custom_tool_call_output'),
    );
    expect(last).toMatchObject({ type: 'message', content: [{ type: 'output_text', text: 'done' }] });
    expect(model.finished).toBe(true);
    expect(model.outputs.map(({ text }) => text)).toEqual(['Process running with session ID 4711', 'hi', 'ok']);
    expect(model.failures).toEqual([]);
  });

  it('makes several calls at once and goes on when all have an output', async () => {
    await start(simultaneously(execCommand('one'), execCommand('two')), execCommand('three'), finalMessage('done'));
    const text = await (await post(JSON.stringify({ input: [], tools: TOOLS }))).text();
    const calls = [...text.matchAll(/"call_id":"(call-\d)".*?"arguments":"\{\\"cmd\\":\\"(\w+)/g)];
    expect(calls.map(([, id, cmd]) => [id, cmd])).toEqual([
      ['call-0', 'one'],
      ['call-1', 'two'],
    ]);
    expect(await ask(output(0, 'a'), output(1, 'b'))).toMatchObject({
      call_id: 'call-2',
      arguments: '{"cmd":"three"}',
    });
    expect(JSON.parse(model.latestRequest)).toMatchObject({ input: [{ output: 'a' }, { output: 'b' }] });
    expect(await ask(output(0, 'a'), output(1, 'b'), output(2, 'c'))).toMatchObject({ type: 'message' });
  });

  it('reads a request that was compressed with gzip, and says so when it cannot undo a compression', async () => {
    await start(finalMessage('done'));
    const body = gzipSync(JSON.stringify({ input: [], tools: TOOLS }));
    expect(await (await post(body, { 'content-encoding': 'gzip' })).text()).toContain('done');
    expect((await post(body, { 'content-encoding': 'br' })).status).toBe(400);
    expect(model.failures).toEqual([expect.stringContaining('compressed its request with br')]);
  });

  it.each([
    ['a tool the harness does not offer', [{ input: [], tools: [] }], 'offers no tool exec_command, only none'],
    ['more calls than steps', [{ input: [output(0, ''), output(1, '')], tools: TOOLS }], 'the script has 2 steps'],
    [
      'an output of a call nobody made',
      [{ input: [output(5, '')], tools: TOOLS }],
      'call-5 came where call-0 was next',
    ],
  ])('fails in words on %s', async (_what, [request], words) => {
    await start(execCommand('true'), finalMessage('done'));
    expect((await post(JSON.stringify(request))).status).toBe(400);
    expect(model.failures).toEqual([expect.stringContaining(words)]);
  });

  it('fails in words on a step that cannot be made, and on a request that is not JSON', async () => {
    await start((outputs) => writeStdin(sessionIdOf(outputs[0]), 'x'), finalMessage('done'));
    await ask();
    await post('{');
    expect(model.failures).toEqual([expect.stringContaining('no running session'), expect.stringContaining('JSON')]);
  });

  it('refuses a script that would never end the turn', async () => {
    await start(finalMessage('done'));
    await expect(startScriptedModel([execCommand('true')])).rejects.toThrow('ends with finalMessage()');
  });
});

/**
 * A model on loopback that answers a harness from a script instead of thinking. Which step a request gets follows from
 * the call outputs in the request alone, so a harness that asks again is told the same again.
 * It knows nothing of executors; what the tools answered is kept for the test to look at.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as zlib from 'node:zlib';

export type ModelStep =
  | { readonly kind: 'function'; readonly name: string; readonly args: Readonly<Record<string, unknown>> }
  | { readonly kind: 'custom'; readonly name: string; readonly input: string }
  | { readonly kind: 'message'; readonly text: string };

/** Calls that the model makes in one answer; each has an output of its own. */
export interface SimultaneousSteps {
  readonly kind: 'simultaneous';
  readonly steps: readonly ModelStep[];
}

/** What a tool answered to the step of the same place in the script. */
export interface CallOutput {
  readonly callId: string;
  /** The text the model would read; a harness wraps it in prose of its own. */
  readonly text: string;
}

/** A step, or a pure function that makes it from what came before, or several at once. */
export type ScriptEntry = ModelStep | SimultaneousSteps | ((outputs: readonly CallOutput[]) => ModelStep);

export interface ScriptedModel {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseUrl: string;
  /** The outputs of the latest request, in the order of the script. */
  readonly outputs: readonly CallOutput[];
  /** The latest request as the harness wrote it: JSON text, with its instructions and images. */
  readonly latestRequest: string;
  /** What went wrong on the model's side, in words; a test expects this to be empty. */
  readonly failures: readonly string[];
  /** Names of the tools the harness offered in its latest request. */
  readonly toolsOffered: readonly string[];
  /** Whether the script's last step was handed out. */
  readonly finished: boolean;
  close(): Promise<void>;
}

export interface ExecCommandOptions {
  readonly workdir?: string;
  readonly yield_time_ms?: number;
  readonly max_output_tokens?: number;
  readonly tty?: boolean;
}

export function execCommand(cmd: string, options: ExecCommandOptions = {}): ModelStep {
  return { kind: 'function', name: 'exec_command', args: { cmd, ...options } };
}

/** `sessionId` is the number the harness told in the output of a command that was still running. */
export function writeStdin(sessionId: number, chars: string, yieldTimeMs?: number): ModelStep {
  const yielding = yieldTimeMs === undefined ? {} : { yield_time_ms: yieldTimeMs };
  return { kind: 'function', name: 'write_stdin', args: { session_id: sessionId, chars, ...yielding } };
}

/** `patch` is everything from `*** Begin Patch` to `*** End Patch`. */
export function applyPatch(patch: string): ModelStep {
  return { kind: 'custom', name: 'apply_patch', input: patch };
}

/** `path` is absolute. */
export function viewImage(path: string): ModelStep {
  return { kind: 'function', name: 'view_image', args: { path } };
}

export function simultaneously(...steps: readonly ModelStep[]): SimultaneousSteps {
  return { kind: 'simultaneous', steps };
}

export function finalMessage(text: string): ModelStep {
  return { kind: 'message', text };
}

/** The session number of a command that was still running, for {@link writeStdin}. Throws when it was not. */
export function sessionIdOf(output: CallOutput | undefined): number {
  const id = /session ID (\d+)/i.exec(output?.text ?? '')?.[1];
  if (id === undefined) throw new Error(`no running session in the output ${JSON.stringify(output?.text)}`);
  return Number(id);
}

/** The last entry must be a message: it ends the turn. */
export async function startScriptedModel(script: readonly ScriptEntry[]): Promise<ScriptedModel> {
  const last = script.at(-1);
  if (last === undefined || typeof last === 'function' || last.kind !== 'message') {
    throw new Error('a script ends with finalMessage(), or the turn would never end');
  }
  const state = {
    outputs: [] as readonly CallOutput[],
    failures: [] as string[],
    latestRequest: '',
    toolsOffered: [] as readonly string[],
    finished: false,
  };
  const entries = byOutputs(script);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    if (request.method !== 'POST' || !path.startsWith('/v1/responses')) {
      response.writeHead(404).end();
      return;
    }
    const body = await bodyOf(request);
    const asked = readRequest(body);
    state.latestRequest = body;
    state.outputs = asked.outputs;
    state.toolsOffered = asked.tools;
    const entry = entries.get(asked.outputs.length);
    if (entry === undefined) {
      throw new Error(`the harness reports ${asked.outputs.length} calls, the script has ${script.length} steps`);
    }
    const steps = stepsOf(entry, asked.outputs);
    for (const step of steps) {
      if (step.kind !== 'message' && !asked.tools.includes(step.name)) {
        throw new Error(`the harness offers no tool ${step.name}, only ${asked.tools.join(', ') || 'none'}`);
      }
    }
    if (entry === last) state.finished = true;
    tell(response, asked.outputs.length, steps);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      state.failures.push(error.message);
      if (!response.headersSent) response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: error.message } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get outputs() {
      return state.outputs;
    },
    get latestRequest() {
      return state.latestRequest;
    },
    get failures() {
      return state.failures;
    },
    get toolsOffered() {
      return state.toolsOffered;
    },
    get finished() {
      return state.finished;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Each entry by the number of outputs a request carries when it is that entry's turn. */
function byOutputs(script: readonly ScriptEntry[]): Map<number, ScriptEntry> {
  const entries = new Map<number, ScriptEntry>();
  let outputs = 0;
  for (const entry of script) {
    entries.set(outputs, entry);
    outputs += typeof entry !== 'function' && entry.kind === 'simultaneous' ? entry.steps.length : 1;
  }
  return entries;
}

function stepsOf(entry: ScriptEntry, outputs: readonly CallOutput[]): readonly ModelStep[] {
  if (typeof entry === 'function') return [entry(outputs)];
  return entry.kind === 'simultaneous' ? entry.steps : [entry];
}

function tell(response: ServerResponse, index: number, steps: readonly ModelStep[]): void {
  const id = `response-${index}`;
  const usage = {
    input_tokens: 0,
    input_tokens_details: null,
    output_tokens: 0,
    output_tokens_details: null,
    total_tokens: 0,
  };
  const events = [
    { type: 'response.created', response: { id } },
    ...steps.map((step, offset) => ({ type: 'response.output_item.done', item: itemOf(index + offset, step) })),
    { type: 'response.completed', response: { id, usage } },
  ];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
}

function itemOf(index: number, step: ModelStep): Record<string, unknown> {
  const callId = `call-${index}`;
  switch (step.kind) {
    case 'function':
      return { type: 'function_call', call_id: callId, name: step.name, arguments: JSON.stringify(step.args) };
    case 'custom':
      return { type: 'custom_tool_call', call_id: callId, name: step.name, input: step.input };
    case 'message': {
      const content = [{ type: 'output_text', text: step.text }];
      return { type: 'message', role: 'assistant', id: `message-${index}`, content };
    }
  }
}

interface InputItem {
  readonly type?: string;
  readonly call_id?: string;
  readonly output?: unknown;
}

function readRequest(body: string): { outputs: CallOutput[]; tools: string[] } {
  const request = JSON.parse(body) as { input?: readonly InputItem[]; tools?: readonly { name?: string }[] };
  const outputs: CallOutput[] = [];
  for (const item of request.input ?? []) {
    if (item.type !== 'function_call_output' && item.type !== 'custom_tool_call_output') continue;
    const expected = `call-${outputs.length}`;
    if (item.call_id !== expected) throw new Error(`an output for ${item.call_id} came where ${expected} was next`);
    outputs.push({ callId: expected, text: textOf(item.output) });
  }
  return { outputs, tools: (request.tools ?? []).flatMap((tool) => tool.name ?? []) };
}

/** An output is text, or an object or list that holds text. */
function textOf(output: unknown): string {
  if (typeof output === 'string') return output;
  if (Array.isArray(output)) return output.map(textOf).join('');
  if (typeof output === 'object' && output !== null) {
    const { text, content } = output as { text?: unknown; content?: unknown };
    if (text !== undefined) return textOf(text);
    if (content !== undefined) return textOf(content);
  }
  return JSON.stringify(output ?? null);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return decoded(Buffer.concat(chunks), request.headers['content-encoding'] ?? 'identity').toString('utf8');
}

function decoded(body: Buffer, encoding: string): Buffer {
  if (encoding === 'identity') return body;
  if (encoding === 'gzip') return zlib.gunzipSync(body);
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (body: Buffer) => Buffer };
  if (encoding === 'zstd' && zstdDecompressSync) return zstdDecompressSync(body);
  throw new Error(`the harness compressed its request with ${encoding}, which this Node cannot undo`);
}

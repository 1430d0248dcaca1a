/**
 * Runs one turn of an unmodified `codex app-server` with a scripted model, on an environment that is added while it
 * runs (`environment/add`) instead of being given at its start.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { ENVIRONMENT_ID } from './our-relay.js';
import { makePeerHome } from './peer-home.js';
import { cleanEnvironment, type RunningProgram, startProgram } from './process-tree.js';
import { harnessConfiguration, type RealHarnessOptions, type RealHarnessRun } from './real-harness.js';
import { startScriptedModel } from './scripted-model.js';

const LONGEST_TURN_MS = 60_000;
const LONGEST_END_MS = 10_000;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** Resolves when the turn is over and the program has ended. Rejects when the script was not played to its end. */
export async function runRealAppServer(
  options: RealHarnessOptions,
): Promise<Pick<RealHarnessRun, 'pid' | 'outputs' | 'latestRequest'>> {
  const home = await makePeerHome();
  const model = await startScriptedModel(options.script);
  let program: RunningProgram | undefined;
  try {
    await writeFile(join(home.path, 'config.toml'), harnessConfiguration(model.baseUrl, options.sandboxMode));
    const env = cleanEnvironment({ ...options.env, CODEX_HOME: home.path, SCRIPTED_MODEL_KEY: 'unused' });
    program = await startProgram(options.peer.program, ['app-server'], { cwd: home.path, env, stdin: 'pipe' });
    options.onStart?.(program.pid);
    const client = new AppServerClient(program);
    const turn = playTurn(client, options);
    const failure = await Promise.race([turn.then(() => undefined), client.lost(LONGEST_TURN_MS)]);
    const story = () => `\nstderr:\n${program?.output.stderr}\noutputs: ${JSON.stringify(model.outputs, null, 1)}`;
    if (failure !== undefined) throw new Error(`${failure}${story()}`);
    if (model.failures.length > 0) throw new Error(`the script failed: ${model.failures.join('; ')}${story()}`);
    if (!model.finished) throw new Error(`the turn ended before the script's end${story()}`);
    // The end of its input tells it to end, and to end what it left running first.
    program.child.stdin?.end();
    await client.lost(LONGEST_END_MS);
    return { pid: program.pid, outputs: model.outputs, latestRequest: model.latestRequest };
  } finally {
    await program?.stop();
    await model.close();
    await home.remove();
  }
}

async function playTurn(client: AppServerClient, { execServerUrl, workFolder }: RealHarnessOptions): Promise<void> {
  await client.ask('initialize', {
    clientInfo: { name: 'signalbox-test', version: '0' },
    capabilities: { experimentalApi: true },
  });
  client.tell('initialized');
  await client.ask('environment/add', { environmentId: ENVIRONMENT_ID, execServerUrl });
  const environments = [{ environmentId: ENVIRONMENT_ID, cwd: workFolder }];
  const { thread } = (await client.ask('thread/start', { cwd: workFolder, environments })) as {
    thread: { id: string };
  };
  const over = client.heard('turn/completed');
  await client.ask('turn/start', { threadId: thread.id, input: [{ type: 'text', text: 'Follow the script.' }] });
  await over;
}

class AppServerClient {
  readonly #program: RunningProgram;
  readonly #lines: Interface;
  readonly #listeners = new Set<(message: Message) => void>();
  #lastId = 0;

  constructor(program: RunningProgram) {
    this.#program = program;
    this.#lines = createInterface({ input: program.child.stdout as NodeJS.ReadableStream });
    this.#lines.on('line', (line) => {
      if (!line.startsWith('{')) return;
      const message = JSON.parse(line) as Message;
      for (const listener of this.#listeners) listener(message);
    });
  }

  tell(method: string, params?: object): void {
    this.#write({ method, ...(params === undefined ? {} : { params }) });
  }

  async ask(method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#lastId;
    const answered = this.#first((message) => message.id === id && message.method === undefined);
    this.#write({ id, method, params });
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method} was refused: ${error.message}`);
    return result ?? {};
  }

  async heard(method: string): Promise<void> {
    await this.#first((message) => message.method === method);
  }

  /** Why nothing more is to be expected, once that is so. */
  async lost(longestMs: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, longestMs, `app-server was not done after ${longestMs} ms`);
    });
    const ended = this.#program.ended.then(({ exitCode, signal }) => `app-server ended with ${signal ?? exitCode}`);
    return await Promise.race([late, ended]).finally(() => clearTimeout(timer));
  }

  #write(message: object): void {
    this.#program.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #first(matches: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve) => {
      const listener = (message: Message) => {
        if (!matches(message)) return;
        this.#listeners.delete(listener);
        resolve(message);
      };
      this.#listeners.add(listener);
    });
  }
}

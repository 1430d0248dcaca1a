/**
 * What the system forbids an executor that is no superuser: each refusal is the error of its method, and nothing else
 * suffers. Root is never refused, so when the tests run as root the executor gives up root's powers first.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAIN } from '../cli/program.js';
import { cleanEnvironment } from '../peers/process-tree.js';

/** The ids of `nobody`, or of no user at all, which is as good. */
const NOBODY = 65534;
const POWERLESS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];
const DENIED = 'Permission denied (os error 13)';

let folder: string;
let executor: ChildProcess;
let lastId = 0;
const asked = new Map<number, { resolve(answer: object): void; reject(error: Error): void }>();

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-ordinary-')));
  await mkdir(at('locked', 'folder'), { recursive: true });
  await mkdir(at('sealed'));
  await mkdir(at('open'));
  for (const name of ['secret', 'fixed', 'program', 'locked/file', 'sealed/file', 'open/file']) {
    await writeFile(at(name), 'data');
  }
  // Modes that forbid it to their owner and to everybody else, whoever the executor turns out to be.
  await chmod(at('secret'), 0o000);
  await chmod(at('fixed'), 0o444);
  await chmod(at('program'), 0o644);
  await chmod(at('locked', 'folder'), 0o555);
  await chmod(at('locked'), 0o555);
  await chmod(at('sealed'), 0o000);
  await chmod(at('open'), 0o777);
  await chmod(folder, 0o755);
  executor = startExecutor();
  await ask('initialize', { clientName: 'an ordinary client' });
  executor.stdin?.write('{"method":"initialized"}\n');
});
afterAll(async () => {
  executor.kill('SIGKILL');
  for (const name of ['locked/folder', 'locked', 'sealed']) await chmod(at(name), 0o755);
  await rm(folder, { recursive: true, force: true });
});

it('is really refused what root would be given', async () => {
  const child = await ask('process/start', started('who', ['/bin/sh', '-c', 'cat secret && exit 7']));
  expect(child).toMatchObject({ result: { processId: 'who' } });
  await expect.poll(() => ask('process/read', { processId: 'who' })).toMatchObject({ result: { closed: true } });
  const { result } = (await ask('process/read', { processId: 'who' })) as { result: { exitCode: number } };
  expect(result.exitCode).not.toBe(7);
});

it.each([
  ['fs/readFile', { path: 'secret' }],
  ['fs/readFile', { path: 'sealed/file' }],
  ['fs/writeFile', { path: 'fixed', dataBase64: '' }],
  ['fs/writeFile', { path: 'locked/new', dataBase64: '' }],
  ['fs/createDirectory', { path: 'locked/new' }],
  ['fs/createDirectory', { path: 'locked/new', recursive: false }],
  ['fs/getMetadata', { path: 'sealed/file' }],
  ['fs/readDirectory', { path: 'sealed' }],
  ['fs/canonicalize', { path: 'sealed/file' }],
  ['fs/remove', { path: 'locked/file' }],
  ['fs/remove', { path: 'locked/folder' }],
  ['fs/remove', { path: 'sealed/file', force: true }],
  ['fs/copy', { sourcePath: 'secret', destinationPath: 'open/copy', recursive: false }],
  ['fs/copy', { sourcePath: 'open/file', destinationPath: 'locked/copy', recursive: false }],
  ['fs/open', { path: 'secret', handleId: 'h' }],
  ['fs/open', { path: 'locked/new', handleId: 'h', mode: 'replace' }],
])('answers -32600 when %s is denied: %o', async (method, params) => {
  const paths = Object.entries(params).map(([key, value]) => [key, /path$/i.test(key) ? at(`${value}`) : value]);
  expect(await ask(method, Object.fromEntries(paths))).toMatchObject({ error: { code: -32600, message: DENIED } });
});

it.each([
  ['the program may not be executed', () => started('p', [at('program')])],
  ['the program is out of reach', () => started('p', [at('sealed', 'file')])],
  ['the working folder is out of reach', () => started('p', ['/bin/true'], { cwd: at('sealed') })],
  ['on a terminal the program may not be executed', () => started('p', [at('program')], { tty: true })],
  ['on a terminal the folder is out of reach', () => started('p', ['/bin/true'], { cwd: at('sealed'), tty: true })],
])('answers -32603 when %s', async (_, params) => {
  expect(await ask('process/start', params())).toMatchObject({ error: { code: -32603, message: DENIED } });
});

it('names the folders a walk could not enter, and walks on', async () => {
  const options = { maxDepth: 3, maxDirectories: 20, maxEntries: 20, followDirectorySymlinks: false };
  const { result } = (await ask('fs/walk', { path: folder, options })) as {
    result: { entries: { path: string }[]; errors: object[] };
  };
  expect(result.errors).toEqual([{ path: at('sealed'), message: DENIED }]);
  expect(result.entries.map(({ path }) => path)).toContain(at('open', 'file'));
});

it('serves what is allowed on the same connection', async () => {
  expect(await ask('fs/readFile', { path: at('open', 'file') })).toMatchObject({ result: { dataBase64: 'ZGF0YQ==' } });
});

function at(...names: readonly string[]): string {
  return join(folder, ...names);
}

function started(processId: string, argv: readonly string[], more: object = {}) {
  return { processId, argv, cwd: folder, env: { PATH: '/usr/bin:/bin' }, tty: false, ...more };
}

function ask(method: string, params: object): Promise<object> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    asked.set(id, { resolve, reject });
    executor.stdin?.write(`${JSON.stringify({ id, method, params })}\n`);
  });
}

function startExecutor(): ChildProcess {
  const command = [process.execPath, MAIN, 'executor', '--listen', 'stdio', '--log-level', 'silent'];
  const root = process.getuid?.() === 0;
  const nobody = { uid: NOBODY, gid: NOBODY };
  // Another user cannot read a checkout in a private folder; root without its powers can, and is refused the rest.
  const readable = root && spawnSync(process.execPath, ['--check', MAIN], nobody).status === 0;
  const [program = '', ...args] = root && !readable ? [...POWERLESS, ...command] : command;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: folder,
    env: cleanEnvironment(),
    ...(readable ? nobody : {}),
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as { id?: number };
    if (message.id !== undefined) asked.get(message.id)?.resolve(message);
  });
  child.once('exit', (code) => {
    for (const { reject } of asked.values()) reject(new Error(`the executor exited with code ${code}`));
  });
  return child;
}

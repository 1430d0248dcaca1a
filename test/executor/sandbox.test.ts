import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { directSpawners } from '../../src/host/broker/spawners.js';
import { describeSandbox } from '../host/sandbox/describe-sandbox.js';
import { makeWorkFolder } from '../peers/work-folder.js';
import { base64, MemoryClient } from './memory-client.js';

const PATH = process.env.PATH ?? '/usr/bin:/bin';
const executor = createExecutor({ cwd: '/', env: { PATH, EXECUTOR_SECRET: 'only the executor knows' } });
afterAll(() => executor.drain());

const ROOT = special('root', 'read');

function special(kind: string, access: string, members: object = {}): object {
  return { path: { type: 'special', value: { kind, ...members } }, access };
}

function grant(path: string, access: string): object {
  return { path: { type: 'path', path: `file://${path}` }, access };
}

function managed(entries: readonly object[], network = 'restricted', members: object = {}): object {
  const permissions = { type: 'managed', network, file_system: { type: 'restricted', entries } };
  return { permissions, windowsSandboxLevel: 'disabled', ...members };
}

const DISABLED = { permissions: { type: 'disabled' }, windowsSandboxLevel: 'disabled' };

let work: string;
let outside: string;
let client: MemoryClient;
let remove: () => Promise<void>;

beforeEach(async () => {
  const folder = await makeWorkFolder();
  remove = folder.remove;
  work = join(folder.path, 'work');
  outside = join(folder.path, 'outside');
  mkdirSync(work);
  mkdirSync(outside);
  client = await MemoryClient.ready(executor);
});
afterEach(async () => {
  client.disconnect();
  await remove();
});

let runs = 0;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly denied: unknown;
  readonly sandboxType: unknown;
}

async function run(script: string, sandbox: object, options: object = {}): Promise<Run> {
  const processId = `run ${++runs}`;
  const env = { PATH };
  const { result, error } = await client.start(processId, script, { cwd: work, env, sandbox, ...options });
  if (error !== undefined) throw new Error(`${error.code} ${error.message}`);
  const code = await client.closed(processId);
  const exited = client.messages.items.find(
    ({ method, params }) => method === 'process/exited' && params?.processId === processId,
  );
  const { sandboxDenied } = await client.result('process/read', { processId });
  expect(sandboxDenied).toBe(exited?.params?.sandboxDenied);
  const out = client.output(processId).toString();
  return { code, out, denied: sandboxDenied, sandboxType: result?.sandboxType };
}

async function gone(path: string): Promise<void> {
  while (existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
}

const workspace = () => managed([ROOT, grant(work, 'write')]);

describeSandbox('a process in a sandbox', () => {
  it('reads everything, writes in its roots, and nowhere else', async () => {
    writeFileSync(join(outside, 'there'), 'readable');
    expect(await run(`echo in > a && cat a ${outside}/there`, workspace())).toEqual({
      code: 0,
      out: 'in\nreadable',
      denied: false,
      sandboxType: 'linuxSeccomp',
    });
    const refused = await run(`echo out > ${outside}/b`, workspace());
    expect(refused.code).not.toBe(0);
    expect(refused.denied).toBe(true);
    expect(refused.out).toContain('Read-only file system');
    symlinkSync(outside, join(work, 'door'));
    expect((await run('echo out > door/c', workspace())).code).not.toBe(0);
    expect(readdirSync(outside)).toEqual(['there']);
    expect(readFileSync(join(work, 'a'), 'utf8')).toBe('in\n');
  });

  it('writes nowhere when only reading is granted', async () => {
    expect((await run('echo x > a', managed([ROOT]))).code).not.toBe(0);
    expect(readdirSync(work)).toEqual([]);
  });

  it('lets a narrower grant decide, whatever the order', async () => {
    mkdirSync(join(work, 'kept/open'), { recursive: true });
    mkdirSync(join(work, 'hidden'));
    writeFileSync(join(work, 'hidden/x'), 'x');
    writeFileSync(join(work, 'secret'), 'x');
    const entries = [
      grant(join(work, 'kept/open'), 'write'),
      grant(join(work, 'hidden'), 'none'),
      grant(join(work, 'secret'), 'deny'),
      grant(join(work, 'kept'), 'read'),
      grant(work, 'write'),
      ROOT,
    ];
    const script = 'touch kept/open/yes yes; touch kept/no; cat hidden/x; cat secret; true';
    const { out } = await run(script, managed(entries));
    expect(out.match(/Permission denied/g)).toHaveLength(2);
    expect(readdirSync(join(work, 'kept'))).toEqual(['open']);
    expect(readdirSync(join(work, 'kept/open'))).toEqual(['yes']);
    expect(existsSync(join(work, 'yes'))).toBe(true);
  });

  it('shows the platform and nothing else when asked to', async () => {
    const { out } = await run(`ls ${work} ${outside} /; touch /x /usr/x`, managed([special('minimal', 'read')]));
    expect(out).toMatch(/^usr$/m);
    expect(out).not.toMatch(/^(home|root|tmp)$/m);
    expect(out.match(/No such file/g)).toHaveLength(2);
    expect(out.match(/Read-only file system/g)).toHaveLength(2);
  });

  it('takes project roots from the request, and the working folder from clients that know none', async () => {
    const roots = [ROOT, special('project_roots', 'write'), special('project_roots', 'read', { subpath: 'kept' })];
    mkdirSync(join(work, 'kept'));
    const uri = `file://${work}`;
    for (const members of [{ workspaceRoots: [uri] }, { policyContext: { cwd: uri, workspaceRoots: [uri] } }, {}]) {
      expect(await run('touch a && rm a', managed(roots, 'restricted', members))).toMatchObject({ code: 0 });
      expect(await run('touch kept/a', managed(roots, 'restricted', members))).toMatchObject({ denied: true });
    }
    expect(await run('touch a', managed(roots, 'restricted', { workspaceRoots: [] }))).toMatchObject({ denied: true });
    const elsewhere = managed(roots, 'restricted', { cwd: `file://${outside}` });
    expect(await run(`touch ${outside}/a && ! touch a`, elsewhere)).toMatchObject({ code: 0 });
  });

  it('writes in TMPDIR and /tmp when granted', async () => {
    const sandbox = managed([ROOT, special('tmpdir', 'write')]);
    const env = { PATH, TMPDIR: outside };
    expect(await run('echo x > $TMPDIR/a && ! echo x > /tmp/signalbox-never', sandbox, { env })).toMatchObject({
      code: 0,
    });
    expect(existsSync(join(outside, 'a'))).toBe(true);
  });

  it('cannot write the settings that programs outside obey, nor make them', async () => {
    mkdirSync(join(work, '.git'));
    writeFileSync(join(work, '.git/config'), 'before');
    const { out } = await run('echo x > .git/config; mv .git git; rm -rf .git; mkdir .codex; ls -A', workspace());
    expect(readFileSync(join(work, '.git/config'), 'utf8')).toBe('before');
    expect(out).toContain('File exists');
    await gone(join(work, '.codex'));
    expect(readdirSync(work)).toEqual(['.git']);
  });

  it('keeps the places of missing settings until the last of two sandboxes ends', async () => {
    await client.start('long', 'echo on; read line', { cwd: work, sandbox: workspace(), pipeStdin: true });
    await client.sees('long', 'on');
    await run('true', workspace());
    expect(readdirSync(work)).toContain('.git');
    await client.result('process/closeStdin', { processId: 'long' });
    await client.closed('long');
    await gone(join(work, '.git'));
    expect(readdirSync(work)).toEqual([]);
  });

  it('reports how its program ended', async () => {
    expect(await run('exit 7', workspace())).toMatchObject({ code: 7, denied: false });
    expect(await run('kill -9 $$', workspace())).toMatchObject({ code: 137, denied: false });
    expect(await run('kill -15 $$', workspace())).toMatchObject({ code: 143, denied: false });
  });

  it.each([
    ['echo PERMISSION denied; exit 3', true],
    ['echo operation NOT permitted >&2; exit 126', true],
    ['echo Read-only file system; exit 2', true],
    ['echo failed to write file; exit 1', true],
    ['printf "permission "; printf denied >&2; exit 1', true],
    ['echo permission denied; exit 0', false],
    ['echo no route to host; exit 1', false],
    ['exit 127', false],
    ['exit 159', true],
  ])('guesses as the releases do whether it was denied: %s', async (script, denied) => {
    expect((await run(script, workspace())).denied).toBe(denied);
    expect((await run(script, DISABLED)).denied).toBe(denied);
    expect((await run(script, workspace(), { sandbox: null })).denied).toBe(false);
  });

  it('is refused at the start when its program or folder is not there', async () => {
    const start = (argv: string[], cwd: string) =>
      client.error('process/start', { processId: 'p', argv, cwd, env: { PATH }, tty: false, sandbox: workspace() });
    expect(await start(['/no/such'], work)).toEqual({
      code: -32603,
      message: 'No such file or directory (os error 2)',
    });
    expect((await start(['true'], '/no/such')).message).toBe('No such file or directory (os error 2)');
    expect((await start(['/etc/passwd'], work)).message).toBe('Permission denied (os error 13)');
    expect(await run('true', workspace())).toMatchObject({ code: 0 });
    await gone(join(work, '.git'));
  });

  it('has its arg0, its input and its terminal', async () => {
    const named = { processId: 'named', argv: ['/bin/sh', '-c', 'echo $0'], arg0: 'me', cwd: work, env: { PATH } };
    await client.result('process/start', { ...named, tty: false, sandbox: workspace() });
    await client.closed('named');
    expect(client.output('named').toString()).toBe('me\n');
    for (const options of [{ pipeStdin: true }, { tty: true }]) {
      const processId = JSON.stringify(options);
      await client.start(processId, 'read line; echo "got $line" > a; tty', {
        cwd: work,
        sandbox: workspace(),
        ...options,
      });
      await client.result('process/write', { processId, writeId: '1', chunk: base64('word\n') });
      await client.closed(processId);
      expect(readFileSync(join(work, 'a'), 'utf8')).toBe('got word\n');
    }
  });

  it('needs no program of its client to be found', async () => {
    expect(await run('echo hi; echo "$PATH"', workspace(), { env: { PATH: work } })).toMatchObject({
      code: 0,
      out: `hi\n${work}\n`,
    });
  });

  it('is interrupted as any other, with its traps, by a signal and by Ctrl-C', async () => {
    const script = 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.05; done';
    await client.start('signal', script, { sandbox: workspace() });
    await client.sees('signal', 'ready');
    await client.result('process/signal', { processId: 'signal', signal: 'interrupt' });
    expect(await client.closed('signal')).toBe(5);
    await client.start('tty', script, { sandbox: workspace(), tty: true });
    await client.sees('tty', 'ready');
    await client.result('process/write', { processId: 'tty', writeId: '1', chunk: base64('\u0003') });
    expect(await client.closed('tty')).toBe(5);
    expect(client.output('tty').toString()).toContain('caught');
  });

  it('leaves nothing behind, neither terminated nor ended', async () => {
    const marks = ['7001.25', '7002.25'];
    await client.start('killed', `setsid sleep ${marks[0]} & echo up; sleep ${marks[0]}`, { sandbox: workspace() });
    await client.sees('killed', 'up');
    expect(await client.result('process/terminate', { processId: 'killed' })).toEqual({ running: true });
    expect(await client.closed('killed')).toBe(137);
    expect(await run(`setsid sleep ${marks[1]} & echo done`, workspace())).toMatchObject({ code: 0, out: 'done\n' });
    const isRunning = (mark: string) =>
      readdirSync('/proc').some((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`sleep\0${mark}`);
        } catch {
          return false;
        }
      });
    while (marks.some(isRunning)) await new Promise((resolve) => setImmediate(resolve));
  });

  it('sees no process but its own, and has no power over the host', async () => {
    const { out } = await run(
      `kill -0 ${process.pid}; grep -E '^Cap(Eff|Prm)|NoNewPrivs' /proc/self/status`,
      workspace(),
    );
    expect(out).toContain('No such process');
    expect(out).toMatch(/CapPrm:\s*0{16}\nCapEff:\s*0{16}\nNoNewPrivs:\s*1/);
  });

  it('works the same without the spawn broker', async () => {
    const direct = createExecutor({ cwd: '/', env: { PATH }, spawners: directSpawners });
    const other = await MemoryClient.ready(direct);
    for (const tty of [false, true]) {
      const processId = String(tty);
      await other.start(processId, `echo x > a; echo x > ${outside}/a`, { cwd: work, sandbox: workspace(), tty });
      expect(await other.closed(processId)).not.toBe(0);
      expect(other.output(processId).toString()).toContain('Read-only file system');
    }
    await other.result('fs/writeFile', { path: join(work, 'b'), dataBase64: base64('b'), sandbox: workspace() });
    expect(readdirSync(outside)).toEqual([]);
    await direct.drain();
  });
});

describeSandbox('the network of a sandbox', () => {
  let server: Server;
  let socket: Server;
  let port: number;
  const listen = (started: Server, where: string | number) =>
    new Promise<void>((resolve) => {
      if (typeof where === 'string') started.listen(where, resolve);
      else started.listen(where, '127.0.0.1', resolve);
    });
  beforeEach(async () => {
    server = createServer((connection) => connection.end('hello'));
    socket = createServer((connection) => connection.end('hello'));
    await listen(server, 0);
    await listen(socket, join(outside, 'socket'));
    port = (server.address() as { port: number }).port;
  });
  afterEach(() => {
    server.close();
    socket.close();
  });

  const connect = (where: string) =>
    `exec ${process.execPath} -e "require('net').connect(${where}).on('data',d=>console.log(String(d))).on('error',e=>{console.log(e.message);process.exit(1)})"`;

  const external = (network: string) => ({
    permissions: { type: 'external', network },
    windowsSandboxLevel: 'disabled',
  });

  it('is away when restricted, sockets in the file system too', async () => {
    for (const sandbox of [managed([ROOT]), managed([special('root', 'write')]), external('restricted')]) {
      for (const where of [`${port},'127.0.0.1'`, `'${join(outside, 'socket')}'`]) {
        const { code, out, denied } = await run(connect(where), sandbox);
        expect(out).toMatch(/EPERM|operation not permitted/i);
        expect(code).toBe(1);
        expect(denied).toBe(/operation not permitted/i.test(out));
      }
    }
  });

  it('leaves programs able to start others', async () => {
    const script = `exec ${process.execPath} -e "console.log(String(require('child_process').execSync('echo child')))"`;
    expect((await run(script, managed([ROOT]))).out).toContain('child');
  });

  it('is there when enabled', async () => {
    for (const sandbox of [managed([ROOT], 'enabled'), external('enabled'), DISABLED]) {
      expect((await run(connect(`${port},'127.0.0.1'`), sandbox)).out).toBe('hello\n');
    }
  });
});

describeSandbox('file operations in a sandbox', () => {
  const uri = (path: string) => `file://${path}`;
  const write = (path: string, text: string, sandbox: object) =>
    client.request('fs/writeFile', { path: uri(path), dataBase64: base64(text), sandbox });
  const READ_ONLY = { code: -32603, message: 'Read-only file system (os error 30)' };

  it('write in its roots, and nowhere else, not through links either', async () => {
    mkdirSync(join(work, '.git'));
    const sandbox = workspace();
    expect((await write(join(work, 'a'), 'in', sandbox)).result).toEqual({});
    expect((await write(join(outside, 'a'), 'out', sandbox)).error).toEqual(READ_ONLY);
    symlinkSync(outside, join(work, 'door'));
    expect((await write(join(work, 'door/a'), 'out', sandbox)).error).toEqual(READ_ONLY);
    expect((await write(join(work, '.git/hook'), 'x', sandbox)).error).toEqual(READ_ONLY);
    const of = (path: string) => ({ path: uri(join(outside, path)), sandbox });
    expect(await client.error('fs/createDirectory', of('x/y'))).toEqual(READ_ONLY);
    writeFileSync(join(outside, 'kept'), 'kept');
    expect(await client.error('fs/remove', of('kept'))).toEqual(READ_ONLY);
    const copy = { sourcePath: uri(join(work, 'a')), destinationPath: uri(join(outside, 'a')), recursive: false };
    expect(await client.error('fs/copy', { ...copy, sandbox })).toEqual(READ_ONLY);
    expect(await client.error('fs/open', { handleId: 'h', mode: 'replace', ...of('a') })).toEqual(READ_ONLY);
    expect(readdirSync(outside)).toEqual(['kept']);
  });

  it('do what they do without one, with the same errors', async () => {
    const sandbox = workspace();
    const at = (path: string) => ({ path: uri(join(work, path)), sandbox });
    expect((await write(join(work, 'no/a'), 'x', sandbox)).error?.code).toBe(-32004);
    expect(await client.result('fs/createDirectory', at('d/e'))).toEqual({});
    expect((await client.error('fs/createDirectory', { ...at('d'), recursive: false })).message).toContain(
      'os error 17',
    );
    expect((await write(join(work, 'd/f'), 'text', sandbox)).result).toEqual({});
    expect(await client.result('fs/readFile', at('d/f'))).toEqual({ dataBase64: base64('text') });
    expect(await client.result('fs/getMetadata', at('d/f'))).toMatchObject({ isFile: true, size: 4 });
    expect((await client.result('fs/readDirectory', at('d'))).entries).toHaveLength(2);
    const destinationPath = uri(join(work, 'copy'));
    await client.result('fs/copy', { sourcePath: at('d').path, destinationPath, recursive: true, sandbox });
    expect(readFileSync(join(work, 'copy/f'), 'utf8')).toBe('text');
    expect(await client.result('fs/remove', at('copy'))).toEqual({});
    expect((await client.error('fs/remove', { ...at('d'), recursive: false })).message).toContain('os error 39');
    expect(await client.result('fs/canonicalize', at('d'))).toEqual({ path: at('d').path });
    expect(await client.error('fs/readFile', at('d'))).toMatchObject({ code: -32600 });
  });

  it('see only what is granted', async () => {
    writeFileSync(join(work, 'a'), 'a');
    writeFileSync(join(outside, 'a'), 'a');
    const only = managed([grant(work, 'read')]);
    const read = (folder: string, sandbox: object) => ({ path: uri(join(folder, 'a')), sandbox });
    expect(await client.result('fs/readFile', read(work, only))).toEqual({ dataBase64: base64('a') });
    for (const method of ['fs/readFile', 'fs/getMetadata', 'fs/canonicalize', 'fs/readDirectory']) {
      expect((await client.error(method, read(outside, only))).code).toBe(-32004);
    }
    expect((await client.error('fs/open', { handleId: 'h', ...read(outside, only) })).code).toBe(-32004);
    const denied = managed([ROOT, grant(join(work, 'a'), 'none')]);
    expect(await client.error('fs/readFile', read(work, denied))).toEqual({
      code: -32600,
      message: 'Permission denied (os error 13)',
    });
    const options = { maxDepth: 3, maxDirectories: 10, maxEntries: 10, followDirectorySymlinks: false };
    const walked = await client.result('fs/walk', { path: uri(work), options, sandbox: only });
    expect(walked.entries).toEqual([{ path: uri(join(work, 'a')), kind: 'file' }]);
  });

  it('never show the environment of the executor', async () => {
    symlinkSync('/proc/self/environ', join(work, 'innocent'));
    for (const path of ['/proc/self/environ', join(work, 'innocent')]) {
      const { dataBase64 } = await client.result('fs/readFile', { path: uri(path), sandbox: workspace() });
      expect(Buffer.from(String(dataBase64), 'base64').toString()).not.toContain('SECRET');
      await client.result('fs/open', { handleId: path.slice(0, 9), path: uri(path), sandbox: workspace() });
      const { chunk } = await client.result('fs/readBlock', { handleId: path.slice(0, 9), offset: 0, len: 4096 });
      expect(Buffer.from(String(chunk), 'base64').toString()).not.toContain('SECRET');
    }
  });

  it('stay in the sandbox while folders are exchanged for links under them', async () => {
    mkdirSync(join(work, 'real'));
    const flip = `while [ ! -e ${work}/stop ]; do ln -sfn real ${work}/x; ln -sfn ${outside} ${work}/x; done`;
    await client.start('flip', flip, { cwd: work, env: { PATH } });
    const codes = new Set<unknown>();
    for (let round = 0; round < 300; round++) {
      codes.add((await write(join(work, 'x', `f${round}`), 'x', workspace())).error?.code);
    }
    writeFileSync(join(work, 'stop'), '');
    await client.closed('flip');
    expect(readdirSync(outside)).toEqual([]);
    expect(codes).toContain(-32603);
  });

  it('stream through handles both ways', async () => {
    const sandbox = workspace();
    const path = uri(join(work, 'streamed'));
    await client.result('fs/open', { handleId: 'w', path, mode: 'replace', sandbox });
    expect((await client.error('fs/open', { handleId: 'w', path, sandbox })).message).toContain('already exists');
    const block = Buffer.alloc(1024 * 1024, 'block ');
    for (const offset of [0, block.length, 2 * block.length]) {
      await client.result('fs/writeBlock', { handleId: 'w', offset, chunk: base64(block) });
    }
    expect((await client.error('fs/readBlock', { handleId: 'w', offset: 0, len: 1 })).message).toContain('os error 9');
    await client.result('fs/close', { handleId: 'w' });
    expect((await client.error('fs/writeBlock', { handleId: 'w', offset: 0, chunk: 'aGk=' })).code).toBe(-32004);
    for (const [handleId, reading] of [
      ['all', sandbox],
      ['some', managed([grant(work, 'read')])],
    ] as const) {
      await client.result('fs/open', { handleId, path, sandbox: reading });
      const { chunk, eof } = await client.result('fs/readBlock', { handleId, offset: block.length, len: block.length });
      expect(eof).toBe(false);
      expect(Buffer.from(String(chunk), 'base64').equals(block)).toBe(true);
      expect(await client.result('fs/readBlock', { handleId, offset: 3 * block.length, len: 5 })).toEqual({
        chunk: '',
        eof: true,
      });
    }
  });

  it('carry large files whole', async () => {
    const bytes = Buffer.alloc(5_000_000, 'large ');
    const path = uri(join(work, 'large'));
    await client.result('fs/writeFile', { path, dataBase64: base64(bytes), sandbox: workspace() });
    expect(readFileSync(join(work, 'large')).equals(bytes)).toBe(true);
    const { dataBase64 } = await client.result('fs/readFile', { path, sandbox: managed([grant(work, 'read')]) });
    expect(Buffer.from(String(dataBase64), 'base64').equals(bytes)).toBe(true);
  });

  it('need to be told where the client works when it matters', async () => {
    const sandbox = managed([ROOT, special('project_roots', 'write')]);
    expect((await write(join(work, 'a'), 'x', sandbox)).error).toEqual({
      code: -32602,
      message: 'file system sandbox context with dynamic permissions requires cwd',
    });
    expect((await write(join(work, 'a'), 'x', { ...sandbox, cwd: uri(work) })).result).toEqual({});
  });

  it('see a root that was made anew', async () => {
    const root = join(work, 'root');
    const sandbox = managed([ROOT, grant(root, 'write')]);
    expect((await write(join(root, 'a'), 'x', sandbox)).error?.code).toBe(-32004);
    for (const round of [1, 2]) {
      mkdirSync(root);
      expect((await write(join(root, 'a'), String(round), sandbox)).error).toBeUndefined();
      expect(readFileSync(join(root, 'a'), 'utf8')).toBe(String(round));
      await client.result('fs/remove', { path: uri(root) });
    }
  });

  it('leave nothing behind', async () => {
    await write(join(work, 'a'), 'x', workspace());
    await gone(join(work, '.git'));
    await gone(join(work, '.codex'));
    expect(readdirSync(work)).toEqual(['a']);
  });
});

describe('a request for a sandbox', () => {
  const start = async (sandbox: unknown, options: object = {}) =>
    (await client.start('p', 'true', { cwd: work, env: { PATH }, sandbox, ...options })).error;
  const permissions = (value: unknown) => ({ permissions: value, windowsSandboxLevel: 'disabled' });

  it.each<[unknown, string]>([
    ['none', 'invalid type: string "none", expected struct WireFileSystemSandboxContext'],
    [{}, 'missing field `permissions`'],
    [{ permissions: { type: 'disabled' } }, 'missing field `windowsSandboxLevel`'],
    [permissions(null), 'invalid type: null, expected internally tagged enum ExecPermissionProfile'],
    [permissions('x'), 'invalid type: string "x", expected internally tagged enum ExecPermissionProfile'],
    [permissions({}), 'missing field `type`'],
    [permissions({ type: 'x' }), 'unknown variant `x`, expected one of `managed`, `disabled`, `external`'],
    [permissions({ type: 'external' }), 'missing field `network`'],
    [permissions({ type: 'managed' }), 'missing field `file_system`'],
    [
      permissions({ type: 'managed', network: 'x', file_system: {} }),
      'unknown variant `x`, expected `restricted` or `enabled`',
    ],
    [permissions({ type: 'managed', network: 'enabled', file_system: {} }), 'missing field `type`'],
    [managed([{ access: 'read' }]), 'missing field `path`'],
    [managed([{ path: {}, access: 'read' }]), 'missing field `type`'],
    [
      managed([{ path: { type: 'x' }, access: 'read' }]),
      'unknown variant `x`, expected one of `path`, `glob_pattern`, `special`',
    ],
    [managed([special('root', 'x')]), 'unknown variant `x`, expected one of `read`, `write`, `deny`, `none`'],
    [
      managed([special('x', 'read')]),
      'unknown variant `x`, expected one of `root`, `minimal`, `current_working_directory`, `project_roots`, `tmpdir`, `slash_tmp`, `unknown`',
    ],
    [managed([{ path: { type: 'path', path: 'x' }, access: 'read' }]), 'invalid URI: relative URL without a base'],
    [
      { ...DISABLED, windowsSandboxLevel: 'x' },
      'unknown variant `x`, expected one of `disabled`, `restricted-token`, `elevated`, `mxc`',
    ],
  ])('is decoded as the newest release does: %j', async (sandbox, message) => {
    expect(await start(sandbox)).toEqual({ code: -32602, message });
    expect(await client.error('fs/readFile', { path: work, sandbox })).toEqual({ code: -32602, message });
  });

  it('is refused when it cannot be enforced', async () => {
    symlinkSync(outside, join(work, 'door'));
    const cases: [unknown, RegExp, object?][] = [
      [managed([ROOT, grant(work, 'write'), grant(join(work, 'door'), 'none')]), /symbolic link/],
      [managed([ROOT, grant(work, 'write'), grant(join(work, 'door'), 'write')]), /symbolic link/],
      [managed([{ path: { type: 'glob_pattern', pattern: '*.env' }, access: 'none' }]), /patterns are not supported/],
      [managed([special('project_roots', 'write', { subpath: '../outside' })]), /leads out of its project root/],
      [managed([{ path: { type: 'path', path: 'file://host/x' }, access: 'read' }]), /is invalid on/],
      [managed([ROOT]), /managed network/, { enforceManagedNetwork: true }],
    ];
    for (const [sandbox, message, options] of cases) {
      expect(await start(sandbox, options)).toEqual({ code: -32602, message: expect.stringMatching(message) });
    }
    expect(readdirSync(outside)).toEqual([]);
  });

  it('runs nothing where there is no bubblewrap, and says why', async () => {
    const bare = createExecutor({ cwd: '/', env: { PATH: '/nonexistent' } });
    const other = await MemoryClient.ready(bare);
    const sandbox = workspace();
    const { error } = await other.start('p', `touch ${work}/ran`, { sandbox });
    expect(error).toEqual({ code: -32603, message: expect.stringContaining('bubblewrap is not installed') });
    const path = join(work, 'ran');
    expect(await other.error('fs/writeFile', { path, dataBase64: '', sandbox })).toEqual(error);
    expect(readdirSync(work)).toEqual([]);
    expect((await other.start('p', `touch ${work}/ran`, { sandbox: DISABLED })).error).toBeUndefined();
    expect(await other.closed('p')).toBe(0);
    const { capabilities } = await other.result('environment/info', {});
    expect(capabilities).toMatchObject({ sandboxedFileStreaming: false });
    await bare.drain();
  });
});

/**
 * Sandboxes of a daemon that is no root: built as it is installed, where that user may read it.
 */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeWorkFolder } from '../../peers/work-folder.js';
import { describeSandbox } from './describe-sandbox.js';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
/** `nobody`, unless we are an ordinary user ourselves. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** What it runs: argv is the folder it may write to and the one it may not. */
const DRIVER = `
import { spawnChildProcess } from './dist/src/host/child-process.js';
import { ConfinedFiles } from './dist/src/host/sandbox/confined-files.js';
import { Sandbox } from './dist/src/host/sandbox/sandbox.js';
const [, , work, other] = process.argv;
const grants = [{ path: '/', access: 'read' }, { path: work, access: 'write' }, { path: other, access: 'write' }];
const policy = { grants, platformFolders: false, network: false };
const sandbox = new Sandbox(process.env.PATH);
const files = new ConfinedFiles({ sandbox, spawn: spawnChildProcess, env: process.env });
const spawn = await sandbox.spawner(policy, spawnChildProcess);
const script = 'id -u; echo x > a && cat a; echo x > /tmp/signalbox-never; mkdir .git; exec 3<>/dev/tcp/127.0.0.1/1';
const child = await new Promise((resolve, reject) => {
  let output = '';
  let exitCode;
  let ended = false;
  const told = () => ended && exitCode !== undefined && resolve({ output, exitCode });
  spawn({ program: 'bash', args: ['-c', script], cwd: work, env: process.env, stdin: 'null' }, {
    spawned: () => {}, failed: reject, inputTaken: () => {},
    output: (stream, bytes) => { output += bytes; },
    exited: (code) => { exitCode = code; told(); },
    streamsEnded: () => { ended = true; told(); },
  });
});
const tell = (promise) => promise.then(() => 'done', (error) => error.message);
const within = files.within(policy);
const links = { followSymlinks: true };
const written = await tell(within.writeFile(work + '/b', Buffer.from('b'), links));
const refused = await tell(within.writeFile('/tmp/signalbox-never', Buffer.from('b'), links));
files.close();
sandbox.close();
console.log(JSON.stringify({ ...child, written, refused }));
`;

describeSandbox('an ordinary user', () => {
  let folder: string;
  let work: string;
  let other: string;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    const made = await makeWorkFolder();
    folder = made.path;
    remove = made.remove;
    chmodSync(folder, 0o755);
    const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
    await run(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], {
      cwd: REPOSITORY,
    });
    cpSync(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
    writeFileSync(join(folder, 'driver.js'), DRIVER);
    work = join(folder, 'work');
    other = join(folder, 'other');
    mkdirSync(work);
    // Granted by the policy, but not by its owner: nothing can be made there, nor need it be kept from being made.
    mkdirSync(other, 0o755);
    if (user.uid !== undefined) chownSync(work, user.uid, user.gid);
    else chmodSync(other, 0o555);
  });
  afterAll(async () => remove());

  it('has the same sandbox as root', async () => {
    const { stdout } = await run(process.execPath, [join(folder, 'driver.js'), work, other], {
      ...user,
      cwd: '/',
      env: { PATH: process.env.PATH, TMPDIR: '/tmp' },
    });
    const { output, exitCode, written, refused } = JSON.parse(stdout);
    expect(output).toMatch(new RegExp(`^${user.uid ?? process.getuid?.()}\nx\n`));
    expect(output).toContain('/tmp/signalbox-never: Read-only file system');
    expect(output).toContain('File exists');
    expect(output).toContain('Operation not permitted');
    expect(exitCode).toBe(1);
    expect({ written, refused }).toEqual({ written: 'done', refused: 'Read-only file system (os error 30)' });
    expect(readFileSync(join(work, 'b'), 'utf8')).toBe('b');
    expect(existsSync('/tmp/signalbox-never')).toBe(false);
    expect(readdirSync(work).sort()).toEqual(['a', 'b']);
    expect(readdirSync(other)).toEqual([]);
  });
});

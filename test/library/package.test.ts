/**
 * The package as somebody else gets it: packed, installed in an empty folder, and there every example of docs/library.md
 * and of the README is type-checked and run against a `signalbox up` of that same package.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cleanEnvironment } from '../peers/process-tree.js';
import { examplesIn } from './examples.js';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 });

const root = join(import.meta.dirname, '../..');
const read = (name: string) => readFile(join(root, name), 'utf8');
const library = examplesIn(await read('docs/library.md'));
const readme = examplesIn(await read('README.md'));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(command, args, { cwd, env: cleanEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

let folder: string;
let access: Record<string, string>;
let stop: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-package-'));
  // What is packed is what was built for these tests; building it again would pull it from under the others.
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
  expect(packed.code, packed.stderr).toBe(0);
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  await writeFile(join(folder, 'package.json'), '{"name":"elsewhere","private":true,"type":"module"}');
  const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', `./${filename}`];
  const installed = await run('npm', install, folder);
  expect(installed.code, installed.stderr).toBe(0);

  const state = join(folder, 'state');
  await mkdir(state);
  const up = spawn('npx', ['--no', 'signalbox', 'up', '--listen', 'http://127.0.0.1:0', '--no-inspect'], {
    cwd: folder,
    env: cleanEnvironment({ XDG_STATE_HOME: state }),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let said = '';
  up.stdout.on('data', (text) => {
    said += text;
  });
  await vi.waitFor(() => expect(said).toContain('NOISE_AUTH_TOKEN='), { timeout: 60_000, interval: 50 });
  const value = (name: string) => new RegExp(`${name}=(\\S+)`).exec(said)?.[1] ?? '';
  access = { SIGNALBOX_URL: value('REGISTRY_URL'), SIGNALBOX_TOKEN: value('AUTH_TOKEN') };
  stop = async () => {
    const gone = once(up, 'close');
    process.kill(-(up.pid as number), 'SIGTERM');
    await gone;
  };
});

afterAll(async () => {
  await stop?.();
  await rm(folder, { recursive: true, force: true });
});

describe('the package, installed elsewhere', () => {
  it('is small, and holds nothing that is not needed there', async () => {
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], root);
    const [{ size, files }] = JSON.parse(stdout) as [{ size: number; files: { path: string }[] }];
    expect(size).toBeLessThan(900_000);
    const strange = files.filter(
      ({ path }) => !/^(dist\/|docs\/charts\/|proto\/relay\.proto$|[A-Z]+(\.md)?$|package\.json$)/.test(path),
    );
    expect(strange).toEqual([]);
    expect(files.filter(({ path }) => /\.(map|ts)$/.test(path) && !path.endsWith('.d.ts'))).toEqual([]);
  });

  it('brings the command', async () => {
    const { version } = JSON.parse(await read('package.json')) as { version: string };
    expect(await run('npx', ['--no', '--', 'signalbox', '--version'], folder)).toMatchObject({
      code: 0,
      stdout: `${version}\n`,
    });
  });

  it('types every example', async () => {
    const types = join(folder, 'types');
    await mkdir(types);
    await writeFile(join(types, 'package.json'), '{"type":"module"}');
    for (const [index, { program }] of [...library, ...readme].entries()) {
      await writeFile(join(types, `example-${index}.ts`), `${program}\nexport {};\n`);
    }
    await writeFile(
      join(types, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'es2022',
          lib: ['es2024', 'esnext.disposable'],
          module: 'nodenext',
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          types: ['node'],
          typeRoots: [join(root, 'node_modules/@types')],
        },
      }),
    );
    const checked = await run(join(root, 'node_modules/.bin/tsc'), ['-p', types], types);
    expect(checked.stdout).toBe('');
    expect(checked.code).toBe(0);
  });

  it.each([
    ...library.map((example) => ({ ...example, page: 'docs/library.md' })),
    ...readme.map((example) => ({ ...example, page: 'README.md' })),
  ])('runs the example of $page: $title', async ({ program, prints }) => {
    const place = await mkdtemp(join(folder, 'example-'));
    await writeFile(join(place, 'package.json'), '{"type":"module"}');
    await symlink(join(folder, 'node_modules'), join(place, 'node_modules'));
    await writeFile(join(place, 'example.ts'), program);
    const ended = await run(join(root, 'node_modules/.bin/tsx'), ['example.ts'], place, access);
    expect(ended.stderr).toBe('');
    expect(ended.code).toBe(0);
    if (prints !== undefined) expect(ended.stdout.replaceAll('\r\n', '\n')).toBe(prints);
  });
});

/**
 * The files that recorded clients asked for.
 */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function makeFixtureFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-conformance-')));
  const at = (...names: string[]) => join(path, ...names);
  await mkdir(at('d', 'sub'), { recursive: true });
  await mkdir(at('emptydir'));
  await writeFile(at('a.txt'), 'hello\n');
  await writeFile(at('empty'), '');
  await writeFile(at('bin'), Buffer.from([0, 255, 254, 10, 13, 128]));
  await writeFile(at('d', 'x'), 'x');
  await writeFile(at('d', 'sub', 'y'), 'yy');
  await writeFile(at('sp ace%20é.txt'), 'odd');
  await symlink('a.txt', at('ln'));
  await symlink('nowhere', at('broken'));
  await symlink('d', at('lnd'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }) };
}

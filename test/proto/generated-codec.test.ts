import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

it('is what the proto script makes of proto/relay.proto today', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: { proto: string } };
  const [program, ...flags] = scripts.proto.split(' ');
  expect(program).toBe('pbjs');
  const target = flags.indexOf('-o') + 1;
  expect(flags[target]).toBe('proto/gen/relay.js');
  const folder = await mkdtemp(join(tmpdir(), 'generated-codec-'));
  try {
    const args = flags.with(target, join(folder, 'relay.js'));
    await promisify(execFile)(process.execPath, [join(root, 'node_modules/protobufjs-cli/bin/pbjs'), ...args], {
      cwd: root,
    });
    const made = (await readdir(folder)).sort();
    expect(made).toEqual((await readdir(join(root, 'proto/gen'))).sort());
    for (const name of made) {
      const committed = await readFile(join(root, 'proto/gen', name), 'utf8');
      expect(await readFile(join(folder, name), 'utf8'), name).toBe(committed);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

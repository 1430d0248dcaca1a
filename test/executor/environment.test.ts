import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/executor/executor.js';
import { MemoryClient } from './memory-client.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-environment-')));
const executor = createExecutor({ cwd: folder, env: { HOME: folder } });
afterAll(async () => {
  await executor.drain();
  rmSync(folder, { recursive: true });
});

let client: MemoryClient;
beforeEach(async () => {
  client = await MemoryClient.ready(executor);
});

describe('environmentConfig/read', () => {
  const params = { cwd: folder, configPaths: [['model']], requirementsPaths: [] };

  it('tells where things are, and that there is no configuration', async () => {
    const none = { layers: [], cloudInsertionIndex: 0 };
    expect(await client.result('environmentConfig/read', params)).toEqual({
      userHomeDir: `file://${folder}`,
      codexHomeDir: `file://${folder}/.codex`,
      hostname: hostname(),
      config: none,
      requirements: none,
    });
  });

  it('wants at least one path', async () => {
    const message = 'at least one config or requirements path is required';
    expect(await client.error('environmentConfig/read', { ...params, configPaths: [] })).toEqual({
      code: -32602,
      message,
    });
    expect((await client.error('environmentConfig/read', {})).message).toBe('missing field `cwd`');
  });
});

describe('capability discovery', () => {
  it('finds nothing, and says where it could not look', async () => {
    const roots = [
      { id: 'here', path: `file://${folder}` },
      { id: 'gone', path: join(folder, 'gone') },
    ];
    const empty = { plugin: null, skills: [], namespaceManifests: [], warnings: [] };
    const error = `failed to inspect capability root ${folder}/gone: No such file or directory (os error 2)`;
    expect(await client.result('capabilityRoots/discoverV1', { roots })).toEqual({
      roots: [
        { ...roots[0], ...empty, error: null },
        { ...roots[1], ...empty, error },
      ],
    });
    const nothing = { plugins: [], skills: [], warnings: [] };
    expect(await client.result('capabilities/discoverV2', { cwd: folder })).toEqual(nothing);
    expect(await client.result('capabilities/discoverV2', { cwd: folder, roots })).toEqual(nothing);
  });

  it('warns of what it leaves out', async () => {
    mkdirSync(join(folder, 'skills'));
    const { warnings } = await client.result('capabilities/discoverV2', {
      cwd: folder,
      roots: [{ id: 'r', path: folder }],
    });
    expect(warnings).toEqual([expect.stringContaining('was left out')]);
  });
});

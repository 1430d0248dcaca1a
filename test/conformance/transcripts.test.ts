/**
 * Our executor on a real WebSocket against what real ones answered to the same client: every case the same, or named
 * with its reason in differences.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runExecutor } from '../../src/executor/run-executor.js';
import { RpcCode } from '../../src/rpc/rpc-error.js';
import { ADDED_SINCE, DIFFERENCES } from './differences.js';
import { makeFixtureFolder } from './fixture-folder.js';
import { startHttpFixture } from './http-fixture.js';
import { differing, type Observations, observe } from './observations.js';
import type { Places } from './places.js';
import { replay } from './replay.js';
import { caseNames, RECORDED_VERSIONS, type RecordedVersion, readTranscript } from './transcript.js';

const LONGEST_CASE_MS = 40_000;

/** What the recorded executors were started with. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  XS_INHERIT: 'yes',
  XS_SECRET_TOKEN: 's3',
  HOME: '/root',
  SHELL: '/bin/bash',
  LANG: 'C.UTF-8',
};

/** Cases in which it is not chance how output was cut into chunks. */
const EXACT_READS = new Set(['read-cursor', 'read-nowait-empty', 'read-unknown']);

const served = { url: '', fixturePort: 0 };
const stop: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'signalbox-conformance-cwd-'));
  const fixtures = await startHttpFixture();
  const leaving = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  served.fixturePort = fixtures.port;
  served.url = await new Promise<string>((onListening, reject) => {
    const listen = [{ host: '127.0.0.1', port: 0 }];
    ended = runExecutor({ listen, onListening, cwd, env: ENVIRONMENT, signal: leaving.signal });
    ended.catch(reject);
  });
  stop.push(
    () => rm(cwd, { recursive: true, force: true }),
    () => fixtures.close(),
    () => ended,
    async () => leaving.abort(),
  );
});
afterAll(async () => {
  for (const step of stop.splice(0).reverse()) await step();
});

describe.each(RECORDED_VERSIONS)('what codex %s answered', (version) => {
  it.concurrent.each(caseNames(version))(
    '%s',
    async (name) => {
      const { recorded, live } = await observed(version, name);
      const expected = DIFFERENCES[version][name]?.places ?? [];
      const places = differing(recorded, live);
      const told = (side: Observations) => Object.fromEntries(places.map((place) => [place, side.get(place)]));
      // Printed with both sides when it is otherwise than the list says.
      if (JSON.stringify(places) !== JSON.stringify([...expected].sort())) {
        expect({ differing: places, answered: told(live) }).toEqual({ differing: expected, answered: told(recorded) });
      }
    },
    LONGEST_CASE_MS,
  );

  it('has no difference listed for a case that does not exist', () => {
    expect(caseNames(version)).toEqual(expect.arrayContaining(Object.keys(DIFFERENCES[version])));
  });
});

it('gives reasons that the table of compatibility gives too', async () => {
  const document = await readFile(new URL('../../docs/compatibility.md', import.meta.url), 'utf8');
  const reasons = Object.values(DIFFERENCES).flatMap((cases) => Object.values(cases).map(({ reason }) => reason));
  expect(reasons.filter((reason) => !document.includes(reason))).toEqual([]);
});

async function observed(version: RecordedVersion, name: string) {
  const transcript = readTranscript(version, name);
  const folder = await makeFixtureFolder();
  try {
    const places: Places = { folder: folder.path, fixturePort: served.fixturePort };
    const entries = await replay(transcript, { url: served.url, places });
    const { methods, members } = ADDED_SINCE[version];
    const options = { places, exactReads: EXACT_READS.has(name) };
    const recorded = observe(transcript.entries, options);
    const live = observe(entries, { ...options, without: new Set(members) });
    const added = [...recorded.keys()].filter((place) => methods.some((method) => place.endsWith(` ${method}`)));
    for (const place of added) {
      expect(recorded.get(place), place).toMatchObject({ error: { code: RpcCode.methodNotFound } });
      expect(live.get(place), place).not.toMatchObject({ error: { code: RpcCode.methodNotFound } });
    }
    return { recorded: without(recorded, added), live: without(live, added) };
  } finally {
    await folder.remove();
  }
}

function without(observations: Observations, places: readonly string[]): Observations {
  return new Map([...observations].filter(([place]) => !places.includes(place)));
}

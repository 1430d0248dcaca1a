/**
 * `npm run matrix -- [VERSION…]`: plays every scenario with every real release (those named, else all that are
 * installed) on our executor, over each way a harness has, and prints a table. Exits non-zero when anything failed.
 * Releases are installed by `npm run peers -- VERSION…`; `--only TEXT` plays only scenarios whose name contains it.
 */
import { parseArgs } from 'node:util';
import { findProgram, MATRIX_VERSIONS, type PeerVersion, peersFolder } from './codex-binary.js';
import { HARNESS_SCENARIOS, type HarnessScenario, type Stage } from './harness-scenarios.js';
import { runRealAppServer } from './real-app-server.js';
import { runRealHarness } from './real-harness.js';
import { startNoiseVenue, startPlainVenue, startRelayVenue, type Venue } from './venue.js';
import { makeWorkFolder } from './work-folder.js';

/** How a harness and our executor come together. */
interface Way {
  readonly name: string;
  readonly versions: readonly PeerVersion[];
  open(): Promise<Venue>;
  readonly start: typeof runRealAppServer;
}

const WAYS: readonly Way[] = [
  { name: 'plain', versions: MATRIX_VERSIONS, open: startPlainVenue, start: runRealHarness },
  { name: 'relay', versions: MATRIX_VERSIONS, open: startRelayVenue, start: runRealHarness },
  {
    name: 'noise',
    versions: ['0.142.5', '0.145.0', '0.156.0', '0.169.0'],
    open: startNoiseVenue,
    start: runRealHarness,
  },
  { name: 'app-server', versions: ['0.145.0', '0.169.0'], open: startPlainVenue, start: runRealAppServer },
];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, way: { type: 'string' } },
  });
  const unknown = positionals.filter((version) => !MATRIX_VERSIONS.some((known) => known === version));
  if (unknown.length > 0) throw new Error(`not among ${MATRIX_VERSIONS.join(', ')}: ${unknown.join(', ')}`);
  const wanted = MATRIX_VERSIONS.filter((version) => positionals.length === 0 || positionals.includes(version));
  const missing = wanted.filter((version) => findProgram(version) === undefined);
  if (missing.length > 0) {
    throw new Error(`not in ${peersFolder()}: run "npm run peers -- ${missing.join(' ')}"`);
  }
  const scenarios = HARNESS_SCENARIOS.filter(({ name }) => name.includes(values.only ?? ''));
  const ways = WAYS.filter(({ name }) => values.way === undefined || name === values.way);
  const columns = wanted.flatMap((version) =>
    ways.filter(({ versions }) => versions.includes(version)).map((way) => ({ version, way })),
  );
  const rows: string[][] = [];
  const failures: string[] = [];
  for (const scenario of scenarios) {
    const row = [scenario.name];
    for (const { version, way } of columns) {
      const title = `${version} ${way.name}: ${scenario.name}`;
      const failure = await attempt(scenario, version, way);
      process.stderr.write(`${failure === undefined ? 'ok    ' : failure === null ? '–     ' : 'FAILED'} ${title}\n`);
      if (failure) failures.push(`${title}\n${failure}`);
      row.push(failure === undefined ? 'ok' : failure === null ? '–' : 'FAILED');
    }
    rows.push(row);
  }
  const head = ['scenario', ...columns.map(({ version, way }) => `${version} ${way.name}`)];
  process.stdout.write(tableOf([head, head.map(() => '---'), ...rows]));
  for (const failure of failures) process.stdout.write(`\n${failure}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

/** Nothing when it went well, null when that release cannot do this anywhere, else what went wrong. */
async function attempt(scenario: HarnessScenario, version: PeerVersion, way: Way): Promise<string | null | undefined> {
  const { since, play } = scenario;
  if (since && MATRIX_VERSIONS.indexOf(version) < MATRIX_VERSIONS.indexOf(since.version)) return null;
  const program = findProgram(version) as string;
  const folder = await makeWorkFolder();
  const venue = await way.open();
  const run: Stage['run'] = (script, options) =>
    way.start({
      peer: { version, program },
      execServerUrl: venue.url,
      env: venue.env,
      workFolder: folder.path,
      script,
      ...options,
    });
  try {
    await play({ version, venue, folder: folder.path, run });
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    await venue.close();
    await folder.remove();
  }
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] as readonly string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`).join('');
}

main().catch((error: Error) => {
  process.stderr.write(`matrix: ${error.message}\n`);
  process.exitCode = 2;
});

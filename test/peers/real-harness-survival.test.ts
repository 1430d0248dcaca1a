/**
 * A command of an unmodified harness on our executor that prints while what is between the two is cut or restarted: the
 * harness resumes its session by itself, and our executor has kept what was printed meanwhile.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NOISE_RELEASES } from '../noise/noise-releases.js';
import type { Peer } from './codex-binary.js';
import { describePeers } from './describe-peers.js';
import { startOurRelay } from './our-relay.js';
import { runRealHarness } from './real-harness.js';
import { execCommand, finalMessage } from './scripted-model.js';
import { startNoiseVenue, startPlainVenue, until, type Venue } from './venue.js';
import { makeWorkFolder } from './work-folder.js';

/** One call of a harness waits for half a minute at most; what it shows of its output is bounded too. */
const MANY_LINES = 300;
const SOME_LINES = 200;
const PAUSE_S = 0.04;
const EXIT_CODE = 7;
/** From one cut to the next. */
const PACE_MS = 2000;
/** Long after the harness has heard that it runs: it never asks twice for a command to be started. */
const STARTED = 10;

const commandOf = (lines: number) =>
  `n=1; while [ $n -le ${lines} ]; do echo "line $n"; [ $n -ne ${STARTED} ] || touch started; n=$((n+1)); sleep ${PAUSE_S}; done; exit ${EXIT_CODE}`;
const outputOf = (lines: number) => Array.from({ length: lines }, (_, n) => `line ${n + 1}`).join('\n');

/** Runs a command that prints so many lines while `disturb` does its worst, and expects each line once, in order. */
async function printThrough(
  peer: Peer,
  venue: Venue,
  lines: number,
  disturb: (isOver: () => boolean) => Promise<void>,
): Promise<void> {
  const folder = await makeWorkFolder();
  try {
    let isOver = false;
    const running = runRealHarness({
      peer,
      execServerUrl: venue.url,
      env: venue.env,
      workFolder: folder.path,
      script: [
        execCommand(commandOf(lines), { yield_time_ms: 30_000, max_output_tokens: 20_000 }),
        finalMessage('done'),
      ],
      longestRunMs: 90_000,
    }).finally(() => {
      isOver = true;
    });
    running.catch(() => {});
    const started = join(folder.path, 'started');
    await until('the command runs', () => isOver || existsSync(started), 40_000);
    await disturb(() => isOver);
    const [output] = (await running).outputs;
    const text = output?.text ?? '';
    expect(text).toMatch(new RegExp(`code:? ${EXIT_CODE}\\b`));
    expect(/^(?:line \d+\n)+/m.exec(`${text}\n`)?.[0].trimEnd(), text).toBe(outputOf(lines));
  } finally {
    await venue.close();
    await folder.remove();
  }
}

/** Cuts the connection each two seconds, and never before the harness is back from the last cut. */
async function cutAgainAndAgain(venue: Venue, isOver: () => boolean): Promise<number> {
  let cuts = 0;
  for (let due = Date.now() + PACE_MS; !isOver(); due = Date.now() + PACE_MS) {
    const { connections } = venue;
    venue.cut();
    cuts += 1;
    const overcome = () => isOver() || (Date.now() >= due && venue.connections > connections);
    await until('the harness is back', overcome, 30_000);
  }
  return cuts;
}

function resumptionsAt(venue: Venue): number {
  return venue.asked().filter(({ method, params }) => {
    return method === 'initialize' && (params as { resumeSessionId?: unknown }).resumeSessionId != null;
  }).length;
}

/** The harness resumes each two seconds, and gets everything all the same. */
async function survivesCuts(peer: Peer, venue: Venue): Promise<void> {
  let cuts = 0;
  await printThrough(peer, venue, MANY_LINES, async (isOver) => {
    cuts = await cutAgainAndAgain(venue, isOver);
  });
  expect(cuts).toBeGreaterThanOrEqual((MANY_LINES * PAUSE_S * 1000) / PACE_MS / 2);
  expect(resumptionsAt(venue)).toBeGreaterThanOrEqual(cuts - 1);
}

describePeers(['0.142.5', '0.169.0'], 'a real harness whose connection is cut each two seconds', (peer) => {
  it('gets each line of a command once, in order, and its exit code', { timeout: 120_000 }, async () => {
    await survivesCuts(peer, await startPlainVenue());
  });
});

describePeers(NOISE_RELEASES, 'a real harness that is encrypted gets each line once', (peer) => {
  it('when its connection is cut each two seconds', { timeout: 120_000 }, async () => {
    await survivesCuts(peer, await startNoiseVenue());
  });

  it('when the connection of the executor is cut', { timeout: 120_000 }, async () => {
    const relay = await startOurRelay();
    const venue = await startNoiseVenue(relay);
    await printThrough(peer, venue, SOME_LINES, async () => {
      const { connections } = relay.executorTap;
      relay.executorTap.cut();
      await until('the executor is back', () => relay.executorTap.connections > connections);
    });
    expect(resumptionsAt(venue)).toBeGreaterThan(0);
  });

  it('when the rendezvous is restarted', { timeout: 120_000 }, async () => {
    const relay = await startOurRelay();
    const venue = await startNoiseVenue(relay);
    await printThrough(peer, venue, SOME_LINES, () => relay.restart());
    expect(resumptionsAt(venue)).toBeGreaterThan(0);
  });
});

/**
 * A command of an unmodified harness whose connection to our executor is cut again and again while it prints: the
 * harness resumes its session by itself, and our executor has kept what was printed meanwhile.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describePeers } from './describe-peers.js';
import { runRealHarness } from './real-harness.js';
import { execCommand, finalMessage } from './scripted-model.js';
import { startPlainVenue, until, type Venue } from './venue.js';
import { makeWorkFolder } from './work-folder.js';

/** One call of a harness waits for half a minute at most; what it shows of its output is bounded too. */
const LINES = 450;
const PAUSE_S = 0.04;
const EXIT_CODE = 7;
/** From one cut to the next. */
const PACE_MS = 2000;
/** Long after the harness has heard that it runs: it never asks twice for a command to be started. */
const STARTED = 10;
const COMMAND = `n=1; while [ $n -le ${LINES} ]; do echo "line $n"; [ $n -ne ${STARTED} ] || touch started; n=$((n+1)); sleep ${PAUSE_S}; done; exit ${EXIT_CODE}`;
const OUTPUT = Array.from({ length: LINES }, (_, n) => `line ${n + 1}\n`).join('');

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

describePeers(['0.142.5', '0.169.0'], 'a real harness whose connection is cut each two seconds', (peer) => {
  it('gets each line of a command once, in order, and its exit code', { timeout: 120_000 }, async () => {
    const folder = await makeWorkFolder();
    const venue = await startPlainVenue();
    try {
      let isOver = false;
      const running = runRealHarness({
        peer,
        execServerUrl: venue.url,
        workFolder: folder.path,
        script: [execCommand(COMMAND, { yield_time_ms: 30_000, max_output_tokens: 20_000 }), finalMessage('done')],
        longestRunMs: 90_000,
      }).finally(() => {
        isOver = true;
      });
      running.catch(() => {});
      const started = join(folder.path, 'started');
      await until('the command runs', () => isOver || existsSync(started), 40_000);
      const cuts = await cutAgainAndAgain(venue, () => isOver);
      const [output] = (await running).outputs;
      expect(output?.text).toMatch(new RegExp(`code:? ${EXIT_CODE}\\b`));
      const printed = /^(?:line \d+\n)+/m.exec(`${output?.text}\n`)?.[0] ?? '';
      expect(printed.trimEnd()).toBe(OUTPUT.trimEnd());
      expect(cuts).toBeGreaterThanOrEqual((LINES * PAUSE_S * 1000) / PACE_MS / 2);
      const resumed = venue.asked().filter(({ method, params }) => {
        return method === 'initialize' && (params as { resumeSessionId?: unknown }).resumeSessionId != null;
      });
      expect(resumed.length).toBeGreaterThanOrEqual(cuts - 1);
    } finally {
      await venue.close();
      await folder.remove();
    }
  });
});

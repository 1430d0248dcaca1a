/**
 * `signalbox exec` runs commands on an unmodified executor, which registered with our registry.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { NOISE_RELEASES } from '../noise/noise-releases.js';
import type { PeerVersion } from './codex-binary.js';
import { describePeers } from './describe-peers.js';
import type { OurRelay } from './our-relay.js';
import { ancestryCommand, ancestryOf, cleanEnvironment, type RunningProgram, startProgram } from './process-tree.js';
import { relayedExecutor } from './relayed-executor.js';
import { until } from './venue.js';

const SIGNALBOX = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** How the command line is told where the executor is. */
interface Road {
  readonly name: string;
  readonly versions: readonly PeerVersion[];
  readonly args: (relay: OurRelay) => readonly string[];
  readonly env: (relay: OurRelay) => Readonly<Record<string, string>>;
}

const ROADS: readonly Road[] = [
  {
    name: 'in the clear',
    versions: ['0.131.0', '0.140.0'],
    args: () => [],
    env: ({ harnessUrl }) => ({ SIGNALBOX_URL: harnessUrl }),
  },
  {
    name: 'in the clear, asked for at a registry',
    versions: ['0.140.0'],
    args: ({ registry }) => ['--relay', 'cleartext', '--env', registry.environmentId],
    env: ({ registry }) => ({ SIGNALBOX_URL: registry.url, SIGNALBOX_TOKEN: registry.token }),
  },
  {
    name: 'encrypted',
    versions: NOISE_RELEASES,
    args: ({ registry }) => ['--env', registry.environmentId],
    env: ({ registry }) => ({ SIGNALBOX_URL: registry.url, SIGNALBOX_TOKEN: registry.token }),
  },
];

/** Bytes of a whole record, encrypted (relay.md §3.2). */
const LONGEST_RECORD = 61_456;

for (const road of ROADS)
  describePeers(road.versions, `signalbox exec on a real executor, ${road.name},`, (peer) => {
    const current = relayedExecutor(peer);

    /** Runs `sh -c script` there; the command line itself runs here, as its user would run it. */
    async function exec(script: string, { input = '', disturb = async (_: RunningProgram) => {} } = {}) {
      const { relay, folder } = current();
      const env = cleanEnvironment({ ...road.env(relay), XDG_STATE_HOME: join(folder.path, 'state') });
      const args = ['--import', 'tsx', SIGNALBOX, 'exec', ...road.args(relay), '--', 'sh', '-c', script];
      const program = await startProgram(process.execPath, args, { env, stdin: 'pipe' });
      try {
        program.child.stdin?.end(input);
        await disturb(program);
        const { exitCode } = await program.ended;
        return { exitCode, ...program.output };
      } finally {
        await program.stop();
      }
    }

    it('passes output and exit code through', async () => {
      const run = await exec(`${ancestryCommand}; echo oops >&2; exit 7`);
      expect(ancestryOf(run.stdout)).toContain(current().executor.pid);
      expect([run.exitCode, run.stderr]).toEqual([7, 'oops\n']);
    }, 30_000);

    it('hands its input on', async () => {
      const input = Array.from({ length: 40_000 }, (_, n) => `line ${n}\n`).join('');
      // No release can be told that there is no more.
      const run = await exec(`head -c ${input.length} | sha256sum`, { input });
      expect(run.stderr).toBe('');
      expect(run.stdout).toBe(`${createHash('sha256').update(input).digest('hex')}  -\n`);
    }, 30_000);

    if (peer.version !== '0.131.0') {
      it('hands Ctrl-C on', async () => {
        const run = await exec('trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.05; done', {
          disturb: async (program) => {
            await until('the command runs', () => program.output.stdout.includes('ready'));
            program.child.kill('SIGINT');
          },
        });
        expect([run.exitCode, run.stdout]).toEqual([5, 'ready\ninterrupted\n']);
      }, 30_000);
    }

    it('asks and answers in bulk, and sends the executor nothing twice or in segments', async () => {
      // Larger than a segment of the reliable profile, smaller than what Linux takes as one argument.
      const comment = 'x'.repeat(100_000);
      const run = await exec(`head -c 3000000 /dev/zero | tr '\\0' y # ${comment}`);
      expect(run.stderr).toBe('');
      expect(run.exitCode).toBe(0);
      expect(run.stdout === 'y'.repeat(3_000_000)).toBe(true);
      const { relay } = current();
      const sent = relay.harnessTap.seen.filter(({ direction, kind }) => direction === 'toServer' && kind === 'data');
      const bytes = sent.map(({ size }) => size ?? 0);
      // Encrypted it is cut into records, in the clear it must not be cut.
      if (road.name === 'encrypted') expect(Math.max(...bytes)).toBe(LONGEST_RECORD);
      else expect(Math.max(...bytes)).toBeGreaterThan(comment.length);
      for (const frame of sent) expect(frame).toMatchObject({ segmentIndex: 0, segmentCount: 1 });
      for (const tap of [relay.harnessTap, relay.executorTap]) expect(tap.sentTwice()).toEqual([]);
    }, 30_000);
  });

/**
 * What people do with a harness, as scenarios that any release can play on our executor: each throws when it did not go
 * as it should. Which release plays, and how it reaches the executor, is the caller's choice.
 */
import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PeerVersion } from './codex-binary.js';
import { methodsIn } from './our-relay.js';
import { makePeerHome } from './peer-home.js';
import { ancestryCommand, ancestryOf } from './process-tree.js';
import type { SandboxMode } from './real-harness.js';
import {
  applyPatch,
  type CallOutput,
  execCommand,
  finalMessage,
  type ScriptEntry,
  sessionIdOf,
  simultaneously,
  viewImage,
  writeStdin,
} from './scripted-model.js';
import { until, type Venue } from './venue.js';

export interface HarnessRun {
  readonly pid: number;
  readonly outputs: readonly CallOutput[];
  readonly latestRequest: string;
}

export interface Stage {
  readonly version: PeerVersion;
  readonly venue: Venue;
  /** An empty folder, where the harness works. */
  readonly folder: string;
  /** Plays the script to its end. */
  run(script: readonly ScriptEntry[], options?: { readonly sandboxMode?: SandboxMode }): Promise<HarnessRun>;
}

export interface HarnessScenario {
  readonly name: string;
  /** The oldest release that can do this with any executor, and why older ones cannot. */
  readonly since?: { readonly version: PeerVersion; readonly because: string };
  /** The executor cannot do it without bubblewrap. */
  readonly sandboxed?: boolean;
  play(stage: Stage): Promise<void>;
}

/** The smallest picture: one red pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** A run of the harness whose every tool output is wanted and whose answer is of no interest. */
const play = (stage: Stage, ...script: readonly ScriptEntry[]) => stage.run([...script, finalMessage('done')]);

const INTERRUPTIBLE = 'trap "echo interrupted; exit 5" INT; touch ready; while :; do sleep 0.1; done';

/** A command that another one, still running, has come so far. */
const awaitFile = (name: string) => execCommand(`until [ -e ${name} ]; do sleep 0.05; done`, { yield_time_ms: 20_000 });

export const HARNESS_SCENARIOS: readonly HarnessScenario[] = [
  {
    name: 'a command and its exit code',
    async play(stage) {
      const { outputs, pid } = await play(stage, execCommand(`${ancestryCommand}; echo oops >&2; exit 7`));
      const text = textAt(outputs, 0);
      assert.match(text, /code:? 7\b/);
      assert.match(text, /oops/);
      // Both are children of this process, so it is the absence of the harness that tells where it ran.
      assert(ancestryOf(text).includes(process.pid));
      assert(!ancestryOf(text).includes(pid));
    },
  },
  {
    name: '200 KB of output, complete',
    async play(stage) {
      const { outputs } = await play(
        stage,
        execCommand('seq 100000 119999 | sed s/$/xyz/; echo the end', { yield_time_ms: 10_000 }),
      );
      const text = textAt(outputs, 0);
      // The model is shown the ends only, and is told how much the harness received: four bytes make a token.
      assert.match(text, /Total output lines: 20001\b/);
      assert.match(text, /Original token count: 50002\b/);
      assert.match(text, /100000xyz\n100001xyz\n/);
      assert.match(text, /119999xyz\nthe end\s*$/);
    },
  },
  {
    name: 'typing into a terminal',
    async play(stage) {
      const { outputs } = await play(
        stage,
        execCommand('test -t 0 && echo ready && read line && echo "got $line"', { tty: true, yield_time_ms: 500 }),
        (before) => writeStdin(sessionIdOf(before[0]), 'a word\n', 5000),
      );
      assert.match(textAt(outputs, 1), /got a word/);
    },
  },
  {
    name: 'standard input without a terminal',
    async play(stage) {
      const { outputs } = await play(
        stage,
        execCommand('cat; echo "end of input"', { yield_time_ms: 10_000 }),
        execCommand('sleep 300', { yield_time_ms: 250 }),
        (before) => writeStdin(sessionIdOf(before[1]), 'a word\n', 1000),
        execCommand('printf "a word\\n" | { read line; echo "got $line"; }', { yield_time_ms: 10_000 }),
      );
      assert.match(textAt(outputs, 0), /end of input/);
      // A harness keeps no pipe open to a command without a terminal, and says so instead of writing.
      assert.match(textAt(outputs, 2), /stdin is closed/);
      assert.match(textAt(outputs, 3), /got a word/);
    },
  },
  {
    name: 'Ctrl-C on a terminal',
    async play(stage) {
      const { outputs } = await play(
        stage,
        execCommand(INTERRUPTIBLE, { tty: true, yield_time_ms: 250 }),
        awaitFile('ready'),
        (before) => writeStdin(sessionIdOf(before[0]), '\x03', 5000),
      );
      assert.match(textAt(outputs, 2), /code:? 5\b.*interrupted/s);
    },
  },
  {
    name: 'Ctrl-C without a terminal',
    since: { version: '0.140.0', because: 'older harnesses have no process/signal' },
    async play(stage) {
      const { outputs } = await play(
        stage,
        execCommand(INTERRUPTIBLE, { yield_time_ms: 250 }),
        awaitFile('ready'),
        (before) => writeStdin(sessionIdOf(before[0]), '\x03', 5000),
      );
      assert.match(textAt(outputs, 2), /code:? 5\b.*interrupted/s);
      assert(methodsIn(stage.venue.asked()).includes('process/signal'));
    },
  },
  {
    name: 'commands at the same time',
    async play(stage) {
      const { outputs } = await play(
        stage,
        execCommand('until [ -e second ]; do sleep 0.05; done; echo first went on', { yield_time_ms: 300 }),
        simultaneously(
          execCommand('touch second; echo second', { yield_time_ms: 10_000 }),
          execCommand('until [ -e second ]; do sleep 0.05; done; echo third', { yield_time_ms: 10_000 }),
          execCommand('seq 1 1000 | tail -n 1', { yield_time_ms: 10_000 }),
        ),
        (before) => writeStdin(sessionIdOf(before[0]), '', 5000),
      );
      assert.match(textAt(outputs, 1), /code:? 0\b.*second/s);
      assert.match(textAt(outputs, 2), /code:? 0\b.*third/s);
      assert.match(textAt(outputs, 3), /code:? 0\b.*1000/s);
      assert.match(textAt(outputs, 4), /code:? 0\b.*first went on/s);
    },
  },
  {
    name: 'apply_patch: create, update, move, delete',
    async play(stage) {
      const path = (name: string) => join(stage.folder, name);
      await writeFile(path('greeting.txt'), 'hello\n');
      await writeFile(path('old name.txt'), 'first\nsecond\n');
      await writeFile(path('obsolete.txt'), 'gone soon\n');
      const { outputs } = await play(
        stage,
        applyPatch(
          [
            '*** Begin Patch',
            '*** Update File: greeting.txt\n@@\n-hello\n+good morning',
            '*** Add File: new folder/deeper/note.txt\n+first line\n+zweite Zeile: äöü',
            '*** Update File: old name.txt\n*** Move to: moved/new name.txt\n@@\n first\n-second\n+changed',
            '*** Delete File: obsolete.txt',
            '*** End Patch',
          ].join('\n'),
        ),
      );
      assert.match(textAt(outputs, 0), /Success/);
      assert.equal(await readFile(path('greeting.txt'), 'utf8'), 'good morning\n');
      assert.equal(await readFile(path('new folder/deeper/note.txt'), 'utf8'), 'first line\nzweite Zeile: äöü\n');
      assert.equal(await readFile(path('moved/new name.txt'), 'utf8'), 'first\nchanged\n');
      for (const gone of ['old name.txt', 'obsolete.txt']) await assert.rejects(access(path(gone)), /ENOENT/);
      // The harness shares our disk, so it is its calls that tell where the files were edited.
      const asked = methodsIn(stage.venue.asked());
      for (const method of ['fs/writeFile', 'fs/createDirectory', 'fs/remove']) assert(asked.includes(method), method);
    },
  },
  {
    name: 'AGENTS.md is found',
    async play(stage) {
      await writeFile(join(stage.folder, 'AGENTS.md'), 'Always greet the porcupine first.\n');
      const { latestRequest } = await play(stage, execCommand('true'));
      assert(latestRequest.includes('greet the porcupine'), 'the model is told');
      const read = stage.venue.asked().filter(({ method }) => method === 'fs/readFile');
      assert(
        read.some(({ params }) => `${(params as { path: string }).path}`.endsWith('/AGENTS.md')),
        'it was read through the executor',
      );
    },
  },
  {
    name: 'an image is viewed',
    async play(stage) {
      await writeFile(join(stage.folder, 'dot.png'), Buffer.from(PNG, 'base64'));
      const { latestRequest } = await play(stage, viewImage(join(stage.folder, 'dot.png')));
      assert.match(latestRequest, /"data:image\/png;base64,iVBOR/);
    },
  },
  {
    name: 'a command left running is ended',
    async play(stage) {
      const pidFile = join(stage.folder, 'pid');
      const { outputs } = await play(
        stage,
        execCommand('trap "" TERM HUP; echo $$ >pid; touch ready; while :; do sleep 0.1; done', { yield_time_ms: 250 }),
        awaitFile('ready'),
      );
      sessionIdOf(outputs[0]);
      const pid = Number(await readFile(pidFile, 'utf8'));
      await until('the command is ended', () => !isThere(pid));
      assert(methodsIn(stage.venue.asked()).includes('process/terminate'));
    },
  },
  {
    name: 'the connection is cut within a command, which goes on',
    since: { version: '0.142.5', because: 'older harnesses do not resume' },
    async play(stage) {
      const [started, go] = [join(stage.folder, 'started'), join(stage.folder, 'go')];
      const running = play(
        stage,
        execCommand(
          'echo before; touch started; until [ -e go ]; do sleep 0.05; done; seq 1 3000 | sha256sum; echo after; exit 5',
          { yield_time_ms: 20_000 },
        ),
        execCommand('echo a new command'),
      );
      running.catch(() => {});
      await Promise.race([running, until('the command runs', () => isFile(started), 40_000)]);
      const connections = stage.venue.connections;
      stage.venue.cut();
      await until('the harness is back', () => stage.venue.connections > connections);
      await writeFile(go, '');
      const { outputs } = await running;
      assert.match(textAt(outputs, 0), /code:? 5\b.*before\s+[0-9a-f]{64}\s+-\s+after/s);
      assert.match(textAt(outputs, 1), /a new command/);
    },
  },
  {
    name: 'after a cut new commands run',
    since: { version: '0.140.0', because: 'older harnesses do not connect again' },
    async play(stage) {
      const started = join(stage.folder, 'started');
      const running = play(
        stage,
        execCommand('echo before; touch started; sleep 300', { yield_time_ms: 2000 }),
        execCommand('echo a new command', { yield_time_ms: 10_000 }),
      );
      running.catch(() => {});
      await Promise.race([running, until('the command runs', () => isFile(started), 40_000)]);
      stage.venue.cut();
      const { outputs } = await running;
      assert.match(textAt(outputs, 1), /a new command/);
    },
  },
  {
    name: 'sandboxed to its workspace',
    sandboxed: true,
    since: { version: '0.142.5', because: 'older harnesses sandbox by a program on their own machine' },
    async play(stage) {
      // The folder of temporary files is writable in this mode, so the forbidden place is elsewhere.
      const forbidden = await makePeerHome();
      const [inside, outside] = [join(stage.folder, 'inside'), join(forbidden.path, 'outside')];
      try {
        const { outputs } = await stage.run(
          [
            execCommand(`echo in >'${inside}'; echo out >'${outside}'; echo "status $?"`),
            applyPatch('*** Begin Patch\n*** Add File: patched.txt\n+by a patch\n*** End Patch'),
            finalMessage('done'),
          ],
          { sandboxMode: 'workspace-write' },
        );
        assert.match(textAt(outputs, 0), /Read-only file system/);
        assert.doesNotMatch(textAt(outputs, 0), /status 0/);
        assert.equal(await readFile(inside, 'utf8'), 'in\n');
        await assert.rejects(access(outside), /ENOENT/);
        assert.equal(await readFile(join(stage.folder, 'patched.txt'), 'utf8'), 'by a patch\n');
      } finally {
        await forbidden.remove();
      }
    },
  },
];

function textAt(outputs: readonly CallOutput[], index: number): string {
  const text = outputs[index]?.text;
  assert(text !== undefined, `there is an output ${index}`);
  return text;
}

async function isFile(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * `status`, `env ls` and `doctor` as processes of their own, against a real rendezvous with and without an executor.
 * What they say must be so, and no token may be in it.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { packageVersion } from '../../src/executor/package-version.js';
import { startRendezvous } from '../../src/rendezvous/rendezvous.js';
import { harnessUrl } from '../../src/rendezvous/socket-url.js';
import { MemoryTokenStore } from '../../src/rendezvous/token-store.js';
import { printed, type Running, runProgram, scratchFolder, startProgram, startUp } from './program.js';

vi.setConfig({ testTimeout: 90_000 });

let state: string;
let running: Running;
let url: string;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  ({ up: running, url } = await startUp({ state, lasting: true, args: ['--env', 'box1', '--no-inspect'] }));
});
afterAll(async () => {
  running.child.kill('SIGTERM');
  await running.ended;
  await rm(state, { recursive: true, force: true });
});

/** A rendezvous without an executor, and files with its tokens. */
async function lonelyRendezvous() {
  const folder = await scratchFolder();
  const tokens = new MemoryTokenStore();
  const { url: remote, close } = await startRendezvous({ listen: 'http://127.0.0.1:0', tokens });
  onTestFinished(close);
  const file = async (role: 'executor' | 'harness') => {
    const path = join(folder, role);
    await writeFile(path, tokens.create(role, 'box2').token, { mode: 0o600 });
    return path;
  };
  return { remote, folder, harness: await file('harness'), executor: await file('executor'), tokens };
}

interface Finding {
  readonly level: string;
  readonly check: string;
  readonly detail: string;
}

async function doctor(...args: string[]) {
  const ended = await runProgram({ state: await scratchFolder() }, ['doctor', '--json', ...args]);
  const text = ended.stdout.toString();
  expect(text + ended.stderr).not.toMatch(/sbx_/);
  return { code: ended.code, findings: JSON.parse(text) as Finding[] };
}

async function port(server: ReturnType<typeof createServer>): Promise<number> {
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('signalbox status', () => {
  it('tells of the executor of a running up what it says itself, and how it is reached', async () => {
    const people = await runProgram({ state }, ['status']);
    expect([people.code, people.stderr]).toEqual([0, '']);
    expect(people.stdout.toString()).toMatch(/^box1: reachable, round trip [\d.]+ ms \(connected in [\d.]+ ms\)\n/);
    expect(people.stdout.toString()).toContain(
      `signalbox ${packageVersion()} on ${process.platform}, in ${process.cwd()}`,
    );
    expect(people.stdout.toString()).toContain('encrypted end to end, reliable');

    const job = await runProgram({ state }, ['exec', '-d', '--', 'sleep', '1000']);
    const programs = await runProgram({ state }, ['status', '--json']);
    expect(JSON.parse(programs.stdout.toString())).toEqual([
      expect.objectContaining({
        environment: 'box1',
        address: url,
        reachable: true,
        executor: 'signalbox',
        version: packageVersion(),
        encrypted: true,
        reliable: true,
        jobs: 1,
        runningJobs: 1,
        roundTripMs: expect.any(Number),
      }),
    ]);
    await runProgram({ state }, ['kill', job.stdout.toString().trim()]);
  });

  it('says in one line why an executor is not reached, and exits 255', async () => {
    const { remote, harness } = await lonelyRendezvous();
    const away = await runProgram({ state }, ['status', '--url', remote, '--env', 'box2', '--token-file', harness]);
    expect([away.code, away.stdout.toString()]).toEqual([255, '']);
    expect(away.stderr).toMatch(
      /^signalbox: box2 cannot be reached: no executor is online for environment box2; start one with: [^\n]+\n$/,
    );
    const nobody = await runProgram({ state: await scratchFolder() }, ['status']);
    expect([nobody.code, nobody.stderr]).toEqual([
      255,
      expect.stringMatching(/^signalbox: no executor to talk to: [^\n]+\n$/),
    ]);
  });

  it('reaches an executor that listens itself, and doctor does too', async () => {
    const home = await scratchFolder();
    const executor = startProgram({ state: home }, 'executor', '--listen', 'ws://127.0.0.1:0');
    const address = await printed(executor, /(ws:\/\/127\.0\.0\.1:\d+)/);
    const { code, stdout } = await runProgram({ state: home }, ['status', '--json', '--url', address]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout.toString())).toEqual([
      expect.objectContaining({ environment: null, address, reachable: true, relayed: false, encrypted: false }),
    ]);
    const examined = await doctor('--url', address);
    expect(examined.code).toBe(0);
    expect(examined.findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['address', 'name', 'connection', 'executor', 'round trip', 'version']),
    );
  });

  it('keeps what a registry of somebody else says on one line, and from speaking to the terminal', async () => {
    const message = 'gone\u001b[2J\nsignalbox: all is well';
    const server = createServer((_request, response) => {
      response.writeHead(500).end(JSON.stringify({ error: { code: 'x', message } }));
    });
    const env = { SIGNALBOX_TOKEN: 'sbx_harness_x' };
    const remote = `http://127.0.0.1:${await port(server)}`;
    for (const command of ['status', 'env ls']) {
      const { code, stderr } = await runProgram({ state, env }, [...command.split(' '), '--url', remote]);
      expect([code, stderr]).toEqual([255, expect.stringMatching(/^signalbox: \P{Cc}+\n$/u)]);
    }
  });

  it('asks the registry which environments the token is for where none is named, and never shows what is in a URL', async () => {
    const { remote, harness, tokens } = await lonelyRendezvous();
    const named = await runProgram({ state }, ['status', '--json', '--url', remote, '--token-file', harness]);
    expect(named.code).toBe(255);
    expect(JSON.parse(named.stdout.toString())).toEqual([
      {
        environment: 'box2',
        address: remote,
        reachable: false,
        error: expect.stringContaining('no executor is online'),
      },
    ]);
    const { token } = tokens.create('harness', 'box2');
    const inUrl = await runProgram({ state }, ['status', '--url', harnessUrl(remote, 'box2', token)]);
    expect(inUrl.code).toBe(255);
    expect(inUrl.stderr).toMatch(/^signalbox: ws:\S+\/ws\/environment\/box2 cannot be reached: [^\n]+\n$/);
    expect(inUrl.stderr).not.toContain(token);
  });
});

describe('signalbox env ls', () => {
  it('has the environment of up, and of a token, with what the registry sees of its executor', async () => {
    const up = await runProgram({ state }, ['env', 'ls']);
    expect(up.stdout.toString()).toMatch(
      /^ENVIRONMENT +ONLINE +ENCRYPTED +TOKEN +REGISTRY\nbox1 +yes +yes +harness +http:\/\/\S+\n$/,
    );
    const { remote, executor } = await lonelyRendezvous();
    const other = await runProgram({ state }, ['env', 'ls', '--json', '--url', remote, '--token-file', executor]);
    expect(JSON.parse(other.stdout.toString())).toEqual([
      { environment: 'box2', online: false, encrypted: null, role: 'executor', registry: remote },
    ]);
  });

  it('says in one line that a token is not known, that none was given, or that the address is an executor', async () => {
    const { remote, folder } = await lonelyRendezvous();
    await writeFile(join(folder, 'wrong'), 'sbx_harness_wrong');
    const wrong = await runProgram({ state }, ['env', 'ls', '--url', remote, '--token-file', join(folder, 'wrong')]);
    expect([wrong.code, wrong.stderr]).toEqual([
      255,
      expect.stringMatching(/^signalbox: [^\n]*refused the token \(401\)[^\n]*\n$/),
    ]);
    const none = await runProgram({ state }, ['env', 'ls', '--url', remote]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringMatching(/^signalbox: [^\n]*--token-file[^\n]*\n$/)]);
    const plain = await runProgram({ state }, ['env', 'ls', '--url', 'ws://127.0.0.1:1']);
    expect([plain.code, plain.stderr]).toEqual([
      2,
      expect.stringMatching(/^signalbox: [^\n]*executor itself[^\n]*\n$/),
    ]);
  });
});

describe('signalbox doctor', () => {
  it('finds nothing amiss with a running up, line by line', async () => {
    const { code, stdout } = await runProgram({ state }, ['doctor']);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines.every((line) => /^(ok {4}|warn {2}|fail {2})[a-z ]+: \S/.test(line))).toBe(true);
    expect(lines.filter((line) => line.startsWith('fail'))).toEqual([]);
    expect(code).toBe(0);
    const found = lines.map((line) => line.slice(6).split(':')[0]);
    expect(found).toEqual(
      expect.arrayContaining([
        'node',
        'open files',
        'clock',
        'registry',
        'token',
        'websocket',
        'executor',
        'round trip',
      ]),
    );
    expect(lines).toContain(`ok    version: ${packageVersion()} at both ends`);
    expect(stdout.toString()).not.toMatch(/sbx_/);
  });

  it('says what to do first where nothing is configured', async () => {
    const { code, findings } = await doctor();
    expect(code).toBe(0);
    expect(findings.at(-1)).toMatchObject({
      level: 'warn',
      check: 'executor',
      remedy: expect.stringContaining('signalbox up'),
    });
  });

  it('fails at the first thing that does not work: role, environment, executor, token, port, name', async () => {
    const { remote, harness, executor, folder } = await lonelyRendezvous();
    await writeFile(join(folder, 'wrong'), 'sbx_harness_wrong');
    const tries = [
      [['--url', remote, '--token-file', executor], 'token', /role executor/],
      [['--url', remote, '--token-file', harness, '--env', 'box9'], 'token', /not for the environment box9/],
      [['--url', remote, '--token-file', harness], 'executor', /none is connected for box2/],
      [['--url', remote, '--token-file', join(folder, 'wrong')], 'token', /refused the token/],
      [['--url', remote], 'token', /there is none/],
      [['--url', 'http://127.0.0.1:1', '--token-file', harness], 'connection', /127\.0\.0\.1:1 does not answer/],
      [['--url', 'http://no-such-host.invalid', '--token-file', harness], 'name', /no-such-host\.invalid is not known/],
      [['--url', 'gopher://x'], 'address', /not an address/],
    ] as const;
    for (const [args, check, detail] of tries) {
      const { code, findings } = await doctor(...args);
      expect(code).toBe(1);
      expect(findings.filter(({ level }) => level === 'fail')).toEqual([
        { level: 'fail', check, detail: expect.stringMatching(detail), remedy: expect.any(String) },
      ]);
      expect(findings.at(-1)).toMatchObject({ check });
    }
  });

  it('notices files with tokens that others can read, and a state folder that is open', async () => {
    const { remote, harness, folder } = await lonelyRendezvous();
    await chmod(harness, 0o644);
    const { findings } = await doctor('--url', remote, '--token-file', harness);
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'warn', check: 'token file', remedy: `chmod 600 ${harness}` }),
    );
    const home = await scratchFolder();
    await writeFile(join(folder, 'x'), '');
    await runProgram({ state: home }, ['token', 'create', '--role', 'harness', '--env', 'a']);
    await chmod(join(home, 'signalbox'), 0o755);
    await chmod(join(home, 'signalbox', 'tokens.json'), 0o666);
    const { code, stdout } = await runProgram({ state: home }, ['doctor']);
    expect(code).toBe(1);
    expect(stdout.toString()).toMatch(/^fail {2}state folder: .*: chmod 700 /m);
    expect(stdout.toString()).toMatch(/^fail {2}token store: .*chmod 600/m);
  });

  it('notices a registry whose clock is off, and one that is being shut down', async () => {
    const late = new Date(Date.now() - 3_600_000).toUTCString();
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/livez' ? 200 : 503, { date: late }).end('{}');
    });
    const { code, findings } = await doctor('--url', `http://127.0.0.1:${await port(server)}`, '--env', 'a');
    expect(code).toBe(1);
    expect(findings).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        check: 'clock',
        detail: expect.stringMatching(/ (3599|3600|3601) s behind/),
      }),
    );
    expect(findings.at(-1)).toMatchObject({
      level: 'fail',
      check: 'registry',
      detail: expect.stringContaining('takes nobody'),
    });
  });

  it('judges a certificate: one nobody vouches for fails, one that is trusted and soon over is warned of', async () => {
    const folder = await scratchFolder();
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3', '-subj', '/CN=localhost'];
    const made = await promisify(execFile)('openssl', [
      ...request,
      ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
    ]).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' || process.env.CI === 'true') throw error;
      process.stderr.write('skipped: openssl is not installed\n');
    });
    if (made === undefined) return;
    const { readFile } = await import('node:fs/promises');
    const server = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }, (_request, response) =>
      response.end('{}'),
    );
    const address = ['--url', `https://localhost:${await port(server)}`, '--env', 'a'];
    const { code, findings } = await doctor(...address);
    expect(code).toBe(1);
    expect(findings.at(-1)).toMatchObject({ level: 'fail', check: 'certificate' });
    const env = { NODE_EXTRA_CA_CERTS: cert };
    const trusted = await runProgram({ state: folder, env }, ['doctor', ...address]);
    expect(trusted.stdout.toString()).toMatch(/^warn {2}certificate: expires in [23] days: renew it$/m);
    expect(trusted.stdout.toString()).toMatch(/^ok {4}registry: /m);
  });
});

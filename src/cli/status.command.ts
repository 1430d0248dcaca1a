/**
 * `signalbox status`: whether an executor can be reached now, found out by reaching it.
 */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { askExecutor, describeTransport, type ExecutorStatus } from './executor-status.js';
import {
  type AddressOptions,
  addAddressOptions,
  type HarnessAddress,
  UNREACHABLE_EXIT_CODE,
} from './harness-address.js';
import { findAddresses, shownAddress } from './known-environments.js';
import { print } from './print.js';
import { unreached } from './reach.js';

interface StatusOptions extends AddressOptions {
  readonly json?: boolean;
}

/** Of one environment; `error` when it was not reached. */
interface Row {
  readonly address: HarnessAddress;
  readonly status?: ExecutorStatus;
  readonly error?: string;
}

export function registerStatusCommand(program: Command): void {
  const command = program.command('status').description('whether the other machine can be reached, by reaching it now');
  addAddressOptions(command);
  command
    .option('--json', 'as JSON: a list, one member an environment')
    .addHelpText(
      'after',
      `
Opens a session, times questions and their answers, and closes it. Without --env: every environment of the token.
The exit code is 0 when all were reached, ${UNREACHABLE_EXIT_CODE} when one was not.

  signalbox status
  signalbox status --url https://relay.example --env box1 --token-file harness.token
  until signalbox status; do sleep 5; done && signalbox exec -- make`,
    )
    .action(run);
}

async function run(options: StatusOptions): Promise<void> {
  const addresses = await findAddresses(options);
  const rows = await Promise.all(addresses.map(ask));
  if (options.json) print(`${JSON.stringify(rows.map(toJson))}\n`);
  for (const row of options.json ? [] : rows) show(row);
  process.exitCode = rows.every(({ status }) => status !== undefined) ? 0 : UNREACHABLE_EXIT_CODE;
}

async function ask(address: HarnessAddress): Promise<Row> {
  try {
    return { address, status: await askExecutor(address) };
  } catch (error) {
    return { address, error: unreached(error).message };
  }
}

function show({ address, status, error }: Row): void {
  const name = nameOf(address);
  if (status === undefined) {
    process.stderr.write(`signalbox: ${name} cannot be reached: ${error}\n`);
    return;
  }
  const { connectMs, roundTripMs, os, cwd, kept } = status;
  const place = [os === undefined ? '' : ` on ${os}`, cwd === undefined ? '' : `, in ${pathOf(cwd)}`].join('');
  const jobs = kept?.length ?? 0;
  const lines = [
    `${name}: reachable, round trip ${milliseconds(roundTripMs)} (connected in ${milliseconds(connectMs)})`,
    `  executor  ${releaseOf(status)}${place}`,
    `  way       ${shownAddress(address.url)}: ${describeTransport(status.transport)}`,
    ...(kept === undefined ? [] : [`  jobs      ${jobs} kept, ${runningOf(status)} running`]),
  ];
  print(`${lines.join('\n')}\n`);
}

function toJson({ address, status, error }: Row): object {
  const shared = { environment: address.environmentId ?? null, address: shownAddress(address.url) };
  if (status === undefined) return { ...shared, reachable: false, error };
  const { isSignalbox, version, os, cwd, kept, transport, connectMs, roundTripMs } = status;
  return {
    ...shared,
    reachable: true,
    executor: isSignalbox ? 'signalbox' : 'release',
    version: version ?? null,
    os: os ?? null,
    cwd: cwd === undefined ? null : pathOf(cwd),
    ...transport,
    jobs: kept?.length ?? null,
    runningJobs: kept === undefined ? null : runningOf(status),
    connectMs: rounded(connectMs),
    roundTripMs: rounded(roundTripMs),
  };
}

function nameOf({ environmentId, url }: HarnessAddress): string {
  return environmentId ?? shownAddress(url);
}

function releaseOf({ isSignalbox, version }: ExecutorStatus): string {
  if (isSignalbox) return `signalbox ${version ?? 'of an unknown version'}`;
  return version === undefined ? 'a release that does not tell which' : `release ${version}`;
}

function runningOf({ kept = [] }: ExecutorStatus): number {
  return kept.filter(({ processes }) => processes.some(({ running }) => running)).length;
}

/** A file URI as a path, where it is one of a system like this one. */
function pathOf(cwd: string): string {
  try {
    return fileURLToPath(cwd);
  } catch {
    return cwd;
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function milliseconds(ms: number): string {
  return `${rounded(ms)} ms`;
}

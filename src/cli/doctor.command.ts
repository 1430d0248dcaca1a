/**
 * `signalbox doctor`: one look after another at everything that a command to the other machine rests on, and what to do
 * where something is amiss. What rests on something that failed is not looked at.
 */
import type { Command } from 'commander';
import { LocateError } from '../../machines/connection-types.js';
import { packageVersion } from '../executor/package-version.js';
import type { TokenFacts } from '../registry/environments-call.js';
import { oneLine } from './cli-error.js';
import { askExecutor, describeTransport } from './executor-status.js';
import { type Finding, fail, messageOf, ok, warn } from './finding.js';
import {
  type AddressOptions,
  addAddressOptions,
  findAddressOrRegistry,
  type HarnessAddress,
  isRegistryUrl,
  type RegistryOfUser,
  registryBehind,
} from './harness-address.js';
import { askRegistry, findAddresses, shownAddress } from './known-environments.js';
import { checkMachine } from './machine-checks.js';
import { print } from './print.js';
import { checkHealth, checkRoad, checkUpgrade } from './registry-checks.js';
import { readUpState } from './up-state.js';

interface DoctorOptions extends AddressOptions {
  readonly json?: boolean;
}

export function registerDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('what stands between here and the other machine, and what to do');
  addAddressOptions(command);
  command
    .option('--json', 'as JSON: a list of findings')
    .addHelpText(
      'after',
      `
One line a check: ok, warn or fail, what was found, and what to do. What rests on something that failed is left out.
The exit code is 0 when nothing failed, 1 otherwise. Tokens are never printed.

  signalbox doctor
  signalbox doctor --url https://relay.example --env box1 --token-file harness.token`,
    )
    .action(run);
}

async function run(options: DoctorOptions): Promise<void> {
  const findings: Finding[] = [];
  for await (const finding of diagnose(options)) {
    findings.push(finding);
    if (!options.json) print(lineOf(finding));
  }
  if (options.json) print(`${JSON.stringify(findings)}\n`);
  process.exitCode = findings.some(({ level }) => level === 'fail') ? 1 : 0;
}

function lineOf({ level, check, detail, remedy }: Finding): string {
  return `${oneLine(`${level.padEnd(4)}  ${check}: ${detail}${remedy === undefined ? '' : `: ${remedy}`}`)}\n`;
}

async function* diagnose(options: DoctorOptions): AsyncGenerator<Finding> {
  yield* checkMachine(options.tokenFile);
  const url = options.url ?? process.env.SIGNALBOX_URL;
  // A damaged file was told of already.
  if (url === undefined && (await readUpState().catch(() => undefined)) === undefined) {
    const first = 'start one here with "signalbox up", or say where it is: --url, --env and --token-file';
    yield warn('executor', 'there is none to talk to', first);
    return;
  }
  let address: HarnessAddress;
  try {
    address = await findAddressOrRegistry(options);
  } catch (error) {
    yield fail('address', messageOf(error), 'signalbox doctor --help shows how it is given');
    return;
  }
  yield ok('address', shownAddress(address.url));
  const registry = registryBehind(address);
  const road = [checkRoad(new URL(address.url)), ...(registry === undefined ? [] : [checkHealth(registry.remote)])];
  for (const checks of road) {
    for await (const finding of checks) {
      yield finding;
      if (finding.level === 'fail') return;
    }
  }
  if (registry === undefined) yield* checkExecutor(address);
  else yield* checkRegistered(options, address, registry);
}

/** From the token on. */
async function* checkRegistered(
  options: AddressOptions,
  address: HarnessAddress,
  registry: RegistryOfUser,
): AsyncGenerator<Finding> {
  const { token } = registry;
  if (token === undefined) {
    yield fail(
      'token',
      'there is none',
      'give --token-file, or set SIGNALBOX_TOKEN; one is made with signalbox token create',
    );
    return;
  }
  let facts: TokenFacts | undefined;
  try {
    facts = await askRegistry({ ...registry, token });
  } catch (error) {
    const { cause } = error as Error;
    if (!(cause instanceof LocateError && cause.code === 'call_unknown')) {
      yield fail('token', messageOf(error), 'the token must be one of role harness, made where the rendezvous runs');
      return;
    }
    yield warn('token', 'this registry does not tell what a token is for', 'what follows shows whether it is accepted');
  }
  const named = address.environmentId;
  if (facts !== undefined) {
    const finding = judgeToken(facts, named);
    yield finding;
    if (finding.level === 'fail') return;
    const [known] = facts.environments.filter(({ id }) => named === undefined || id === named);
    if (known === undefined) return;
    const upgrade = await checkUpgrade(registry.remote, known.id, token);
    yield upgrade;
    if (upgrade.level === 'fail') return;
    if (!known.online) {
      const start = `signalbox executor --remote ${shownAddress(registry.remote)} --environment-id ${known.id}`;
      yield fail('executor', `none is connected for ${known.id}`, `start one there: ${start}`);
      return;
    }
  } else if (named === undefined && isRegistryUrl(address.url)) {
    yield fail('environment', 'none is named, and this registry does not tell any', 'give --env ID');
    return;
  }
  const [chosen = address] = await findAddresses(options);
  yield* checkExecutor(chosen);
}

function judgeToken({ role, environments }: TokenFacts, named: string | undefined): Finding {
  const ids = environments.map(({ id }) => id);
  if (role !== 'harness') {
    const remedy = 'create one for this end: signalbox token create --role harness';
    return fail('token', `it is one of role ${role}, for ${ids.join(', ')}`, remedy);
  }
  if (named !== undefined && !ids.includes(named)) {
    const remedy = `use --env ${ids.join(' or ')}, or another token`;
    return fail('token', `it is accepted, but not for the environment ${named}`, remedy);
  }
  return ok('token', `accepted: role harness, for ${ids.join(', ')}`);
}

async function* checkExecutor(address: HarnessAddress): AsyncGenerator<Finding> {
  try {
    const { isSignalbox, version, capabilities, transport, roundTripMs, os } = await askExecutor(address);
    yield ok('executor', `answers${os === undefined ? '' : `, on ${os}`}; ${describeTransport(transport)}`);
    yield ok('round trip', `${Math.round(roundTripMs * 10) / 10} ms`);
    yield judgeVersion(isSignalbox, version);
    // A release says so whatever its machine has.
    if (!isSignalbox) return;
    yield capabilities.has('sandboxedFileStreaming')
      ? ok('bubblewrap there', 'installed')
      : warn('bubblewrap there', 'not installed', 'harnesses that ask for a sandbox are refused until it is');
  } catch (error) {
    yield fail('executor', messageOf(error), 'look into its log: signalbox executor --log-level debug');
  }
}

function judgeVersion(isSignalbox: boolean, version: string | undefined): Finding {
  const ours = packageVersion();
  if (!isSignalbox) return ok('version', `the other end is a release${version === undefined ? '' : `, ${version}`}`);
  if (version === ours) return ok('version', `${ours} at both ends`);
  const remedy = 'it should work; if something is odd, install the same at both ends';
  return warn('version', `${version ?? 'unknown'} there, ${ours} here`, remedy);
}

/**
 * `--ws-auth` and what belongs to it: who may open a connection on `--listen ws://…` (jsonrpc.md §1).
 */
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { capabilityTokenAuth, digestOf, type ListenerAuth, signedBearerAuth } from '../executor/listener-auth.js';
import { CliError } from './cli-error.js';

export interface ListenerAuthOptions {
  readonly wsAuth?: 'capability-token' | 'signed-bearer-token';
  readonly wsTokenFile?: string;
  readonly wsTokenSha256?: string;
  readonly wsSharedSecretFile?: string;
  readonly wsIssuer?: string;
  readonly wsAudience?: string;
  readonly wsMaxClockSkewSeconds?: number;
}

export function addListenerAuthOptions(command: Command): void {
  command
    .addOption(
      new Option('--ws-auth <mode>', 'who may connect to --listen').choices([
        'capability-token',
        'signed-bearer-token',
      ]),
    )
    .option('--ws-token-file <file>', 'capability token')
    .option('--ws-token-sha256 <hex>', 'SHA-256 of the capability token, instead of the token')
    .option('--ws-shared-secret-file <file>', 'secret of signed bearer tokens (HS256), at least 32 bytes')
    .option('--ws-issuer <issuer>', 'issuer that signed bearer tokens must have')
    .option('--ws-audience <audience>', 'audience that signed bearer tokens must have')
    .option('--ws-max-clock-skew-seconds <seconds>', 'how far clocks may differ (default: 30)', wholeSeconds);
}

/** Undefined without `--ws-auth`. Throws {@link CliError} for settings that cannot work. */
export async function readListenerAuth(options: ListenerAuthOptions): Promise<ListenerAuth | undefined> {
  const { wsAuth, wsTokenFile, wsTokenSha256, wsSharedSecretFile } = options;
  switch (wsAuth) {
    case undefined: {
      const stray = Object.keys(options).find((name) => /^ws[A-Z]/.test(name));
      if (stray !== undefined) throw usage('the --ws-… options need --ws-auth');
      return undefined;
    }
    case 'capability-token':
      if ((wsTokenFile === undefined) === (wsTokenSha256 === undefined)) {
        throw usage('--ws-auth capability-token needs exactly one of --ws-token-file and --ws-token-sha256');
      }
      return capabilityTokenAuth(
        wsTokenFile === undefined ? hexDigest(wsTokenSha256 ?? '') : digestOf(await secretOf(wsTokenFile)),
      );
    case 'signed-bearer-token': {
      if (wsSharedSecretFile === undefined) throw usage('--ws-auth signed-bearer-token needs --ws-shared-secret-file');
      const { wsIssuer: issuer, wsAudience: audience, wsMaxClockSkewSeconds: maxClockSkewSeconds } = options;
      return signedBearerAuth({
        secret: Buffer.from(await secretOf(wsSharedSecretFile)),
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
        ...(maxClockSkewSeconds === undefined ? {} : { maxClockSkewSeconds }),
      });
    }
  }
}

async function secretOf(path: string): Promise<string> {
  let secret: string;
  try {
    secret = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new CliError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  if (secret === '') throw new CliError(`${path} is empty`);
  return secret;
}

function hexDigest(text: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw usage('--ws-token-sha256 must have 64 hex digits');
  return Buffer.from(text, 'hex');
}

function wholeSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected a number of seconds');
  return Number(text);
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: 2 });
}

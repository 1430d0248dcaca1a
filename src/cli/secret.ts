/**
 * Where a command gets a token from: a file, standard input, or the environment; never its arguments, which every user
 * of the machine can read.
 */
import { readFile } from 'node:fs/promises';
import { CliError } from './cli-error.js';

export interface SecretSource {
  readonly tokenFile?: string;
  readonly tokenStdin?: boolean;
  /** Environment variables to look at, in this order. */
  readonly variables: readonly string[];
}

const LONGEST_SECRET = 64 * 1024;

/** The token without its surrounding white space, or undefined when no source has one. Throws {@link CliError}. */
export async function readSecret(source: SecretSource): Promise<string | undefined> {
  if (source.tokenFile !== undefined && source.tokenStdin) {
    throw new CliError('give either --token-file or --token-stdin, not both', { exitCode: 2 });
  }
  if (source.tokenFile !== undefined) return secretIn(await readTokenFile(source.tokenFile), source.tokenFile);
  if (source.tokenStdin) return secretIn(await readStdin(), 'standard input');
  for (const variable of source.variables) {
    const value = process.env[variable]?.trim();
    if (value) return value;
  }
  return undefined;
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError(`cannot read the token file ${path}: ${(error as Error).message}`, { cause: error });
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > LONGEST_SECRET) throw new CliError('what came on standard input is too long to be a token');
  }
  return Buffer.concat(chunks).toString('utf8');
}

function secretIn(text: string, where: string): string {
  const secret = text.trim();
  if (secret === '') throw new CliError(`there is no token in ${where}`);
  if (/\s/.test(secret)) throw new CliError(`what is in ${where} is no token: it has white space inside`);
  return secret;
}

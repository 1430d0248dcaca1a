/**
 * The places where token records live: a JSON file that people and `signalbox token create` share with a running
 * rendezvous, and memory for programs that make their own tokens. Neither ever holds a token itself.
 */
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import {
  ENVIRONMENT_ID,
  findToken,
  type IssuedToken,
  issueToken,
  TOKEN_ROLES,
  TokenError,
  type TokenRecord,
  type TokenRole,
  type TokenStore,
} from './token.js';

const MOST_TOKENS = 1000;
const LARGEST_FILE_BYTES = 1024 * 1024;

/** How long a writer waits for another one. */
const WRITER_WAIT_MS = 5000;
const WRITER_RETRY_MS = 20;

const tokenFile = v.object({
  version: v.literal(1),
  tokens: v.pipe(
    v.array(
      v.object({
        id: v.string(),
        role: v.picklist(TOKEN_ROLES),
        environmentId: v.pipe(v.string(), v.regex(ENVIRONMENT_ID)),
        createdAt: v.string(),
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      }),
    ),
    v.maxLength(MOST_TOKENS),
  ),
});

/** Tokens of one process, forgotten with it. */
export class MemoryTokenStore implements TokenStore {
  readonly #records: TokenRecord[] = [];

  create(role: TokenRole, environmentId: string): IssuedToken {
    const issued = issueToken(role, environmentId);
    this.#records.push(issued.record);
    return issued;
  }

  authenticate(token: string): Promise<TokenRecord | undefined> {
    return Promise.resolve(findToken(this.#records, token));
  }

  find(id: string): Promise<TokenRecord | undefined> {
    return Promise.resolve(this.#records.find((record) => record.id === id));
  }
}

/** Tokens in a file, read again whenever it changes. A missing file holds no tokens. */
export class FileTokenStore implements TokenStore {
  readonly path: string;
  readonly #onDamage: (error: TokenError) => void;
  #records: readonly TokenRecord[] = [];
  #version: string | undefined;
  #refreshed: Promise<void> = Promise.resolve();

  /** `onDamage` hears of a file that became unusable while running; the tokens read last stay valid until it is repaired. */
  constructor(path: string, onDamage: (error: TokenError) => void = () => {}) {
    this.path = path;
    this.#onDamage = onDamage;
  }

  /** Reads the file now; throws {@link TokenError} when it cannot be used. */
  async load(): Promise<void> {
    this.#version = await versionOf(this.path);
    this.#records = await readRecords(this.path);
  }

  async authenticate(token: string): Promise<TokenRecord | undefined> {
    return findToken(await this.#newest(), token);
  }

  async find(id: string): Promise<TokenRecord | undefined> {
    return (await this.#newest()).find((record) => record.id === id);
  }

  /** Every record in the file now, oldest first. Throws {@link TokenError}. */
  async list(): Promise<readonly TokenRecord[]> {
    return await readRecords(this.path);
  }

  /** Adds a token to the file. */
  async create(role: TokenRole, environmentId: string): Promise<IssuedToken> {
    const issued = issueToken(role, environmentId);
    await this.#change((records) => {
      if (records.length < MOST_TOKENS) return [...records, issued.record];
      throw new TokenError(
        'too_many_tokens',
        `${this.path} already holds ${MOST_TOKENS} tokens; remove some first: signalbox token revoke`,
      );
    });
    return issued;
  }

  /** Takes tokens out of the file, all of them or none; answers with what they were. Throws {@link TokenError}. */
  async revoke(prefixes: readonly string[]): Promise<readonly TokenRecord[]> {
    let revoked: readonly TokenRecord[] = [];
    await this.#change((records) => {
      revoked = [...new Set(prefixes.map((prefix) => this.#oneOf(records, prefix)))];
      return records.filter((record) => !revoked.includes(record));
    });
    return revoked;
  }

  #oneOf(records: readonly TokenRecord[], prefix: string): TokenRecord {
    const found = records.filter(({ id }) => id.startsWith(prefix.toLowerCase()));
    if (found.length === 1 && found[0] !== undefined && prefix !== '') return found[0];
    if (found.length > 1) {
      throw new TokenError('token_ambiguous', `more than one token begins with ${quoted(prefix)}: give more of its id`);
    }
    // Somebody may give the token itself in place of its id: it must not be repeated.
    throw new TokenError('token_unknown', `${this.path} has no token ${quoted(prefix)}; see: signalbox token ls`);
  }

  /** Whoever reads the file meanwhile sees the old content or the new, never a part. */
  async #change(change: (records: readonly TokenRecord[]) => readonly TokenRecord[]): Promise<void> {
    const draft = `${this.path}.new`;
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      const file = await openDraft(draft);
      try {
        const records = change(await readRecords(this.path));
        await file.writeFile(`${JSON.stringify({ version: 1, tokens: records }, undefined, 2)}\n`);
        await file.sync();
        await rename(draft, this.path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof TokenError) throw error;
      throw new TokenError('token_file_unwritable', `cannot write ${this.path}: ${reasonOf(error)}`, error);
    }
  }

  async #newest(): Promise<readonly TokenRecord[]> {
    // One after another, each with its own look at the file: nobody is judged by what it held before he asked.
    this.#refreshed = this.#refreshed.then(() => this.#refresh());
    await this.#refreshed;
    return this.#records;
  }

  async #refresh(): Promise<void> {
    try {
      const version = await versionOf(this.path);
      if (version === this.#version) return;
      // Taken over before reading: a damaged file is reported once, not at each request.
      this.#version = version;
      this.#records = await readRecords(this.path);
    } catch (error) {
      this.#onDamage(error as TokenError);
    }
  }
}

/** The draft is also the lock: it exists while somebody writes. */
async function openDraft(draft: string) {
  const deadline = performance.now() + WRITER_WAIT_MS;
  for (;;) {
    try {
      const file = await open(draft, 'wx', 0o600);
      await chmod(draft, 0o600);
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (performance.now() > deadline) {
      throw new TokenError('token_file_busy', `${draft} exists: another program is writing, or died; remove it then`);
    }
    await pause(WRITER_RETRY_MS);
  }
}

/** Changes whenever the content may have changed; undefined for no file. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, mode } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, mode].join(' ');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new TokenError('token_file_unreadable', `cannot read ${path}: ${reasonOf(error)}`, error);
  }
}

async function readRecords(path: string): Promise<readonly TokenRecord[]> {
  let text: string;
  try {
    const { size, mode } = await stat(path);
    // Hashes are no secret worth much, but whoever can add one lets himself in.
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
      throw new TokenError('token_file_exposed', `${path} may be written by other users: chmod 600 it`);
    }
    if (size > LARGEST_FILE_BYTES) throw damaged(path, `it has ${size} bytes, more than any token file`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return [];
    if (error instanceof TokenError) throw error;
    throw new TokenError('token_file_unreadable', `cannot read ${path}: ${reasonOf(error)}`, error);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw damaged(path, 'it is not JSON', error);
  }
  const parsed = v.safeParse(tokenFile, content);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw damaged(path, `${v.getDotPath(issue) ?? 'the whole'} is not as it should be`);
  }
  return parsed.output.tokens;
}

function damaged(path: string, why: string, cause?: unknown): TokenError {
  const remedy = 'restore it, or remove it and create new tokens';
  return new TokenError('token_file_damaged', `token file ${path} is damaged: ${why}; ${remedy}`, cause);
}

function quoted(prefix: string): string {
  return prefix.startsWith('sbx_') ? 'of that id (that is a token, not its id)' : JSON.stringify(prefix.slice(0, 40));
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Completion in real shells: the scripts are loaded, and the shells are asked what they would offer.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAIN, runProgram } from './program.js';

const run = promisify(execFile);
vi.setConfig({ testTimeout: 90_000 });

let folder: string;
/** Every command there is, from the help. */
let commands: string[];

async function script(shell: string): Promise<string> {
  const { stdout } = await run(process.execPath, [MAIN, 'completion', shell]);
  const file = join(folder, shell);
  await writeFile(file, stdout);
  return file;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  const { stdout } = await run(process.execPath, [MAIN, '--help']);
  const list = stdout.split('Commands:\n')[1] ?? '';
  commands = [...list.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
  expect(commands).toContain('status');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function isThere(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((place) => {
    try {
      accessSync(join(place, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A shell that is not here is no fault of ours, but somewhere it must be tried. */
function needs(shell: string): { skip: boolean } {
  const isMissing = !isThere(shell);
  if (isMissing && process.env.CI !== 'true') process.stderr.write(`skipped: ${shell} is not installed\n`);
  return { skip: isMissing && process.env.CI !== 'true' };
}

describe('completion in bash', () => {
  async function offered(...lines: string[][]): Promise<string[][]> {
    const file = await script('bash');
    const tries = lines.map((words) => `try ${words.map((word) => `'${word}'`).join(' ')}`).join('\n');
    const { stdout } = await run('bash', [
      '--norc',
      '-c',
      `source ${file}
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _signalbox; echo "\${COMPREPLY[*]}"; }
${tries}`,
    ]);
    return stdout
      .split('\n')
      .slice(0, lines.length)
      .map((line) => line.split(' ').filter((word) => word !== ''));
  }

  it('is registered for the command', async () => {
    const file = await script('bash');
    const { stdout } = await run('bash', ['--norc', '-c', `set -eu; source ${file}; complete -p signalbox`]);
    expect(stdout).toBe('complete -F _signalbox signalbox\n');
  });

  it('offers what each command is defined to take, and nothing after --', async () => {
    const [all, begun, nested, choices, options, shells, remote, unknown] = await offered(
      ['signalbox', ''],
      ['signalbox', 'sta'],
      ['signalbox', 'token', ''],
      ['signalbox', 'token', 'create', '--role', ''],
      ['signalbox', 'exec', '--rel'],
      ['signalbox', 'completion', 'z'],
      ['signalbox', 'exec', '--', 'st'],
      ['signalbox', 'nosuch', ''],
    );
    expect(all).toEqual(expect.arrayContaining(commands));
    expect(begun).toEqual(['status']);
    expect(nested).toEqual(expect.arrayContaining(['create', 'ls', 'revoke']));
    expect(choices).toEqual(['executor', 'harness']);
    expect(options).toEqual(['--relay']);
    expect(shells).toEqual(['zsh']);
    expect([remote, unknown]).toEqual([[], []]);
  });
});

describe('completion in zsh', () => {
  it('loads, is registered, and offers commands, subcommands and choices', needs('zsh'), async () => {
    const file = await script('zsh');
    // A terminal in which lines are typed and completed; what has become of them is printed in place of being run.
    const typist = join(folder, 'typist');
    await writeFile(
      typist,
      String.raw`zmodload zsh/zpty
zpty shell env TERM=dumb COLUMNS=200 zsh -f -i
zpty -w shell "PROMPT=; unset zle_bracketed_paste; autoload -Uz compinit; compinit -D -u; source ${file}; bindkey -e; bindkey '^I' complete-word; echo re''ady"
zpty -r -m shell out '*ready*'
for line in 'signalbox sta' 'signalbox token rev' 'signalbox token create --role h' 'signalbox completion f'; do
  zpty -n -w shell "$line"$'\t'$'\C-a'"print -r -- did: "$'\n'
done
zpty -w shell "echo o''ver"
zpty -r -m shell out '*over*'
print -r -- "$out"
`,
    );
    const { stdout } = await run('zsh', ['-f', typist]);
    const completed = [...stdout.matchAll(/^did: (.*)$/gm)].map(([, line = '']) => line);
    expect(completed, stdout).toEqual([
      'signalbox status',
      'signalbox token revoke',
      'signalbox token create --role harness',
      'signalbox completion fish',
    ]);
  });
});

describe('completion in fish', () => {
  it('offers what each command is defined to take', needs('fish'), async () => {
    const file = await script('fish');
    const ask = async (line: string) => {
      const { stdout } = await run('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`]);
      return stdout
        .trim()
        .split('\n')
        .map((found) => found.split('\t')[0]);
    };
    expect(await ask('signalbox ')).toEqual(expect.arrayContaining(commands));
    expect(await ask('signalbox sta')).toEqual(['status']);
    expect(await ask('signalbox token ')).toEqual(['create', 'ls', 'revoke']);
    expect(await ask('signalbox token create --role ')).toEqual(['executor', 'harness']);
    expect(await ask('signalbox exec --rel')).toEqual(['--relay']);
  });
});

it('the manual names every command', async () => {
  const manual = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8');
  const whole = await script('fish').then((file) => readFileSync(file, 'utf8'));
  for (const command of commands) expect(manual, command).toContain(`signalbox ${command}`);
  const nested = [...whole.matchAll(/-n '__fish_seen_subcommand_from ([a-z]+); and not [^']*' -a '([a-z]+)'/g)];
  expect(nested.length).toBeGreaterThan(3);
  for (const [, group, name] of nested) expect(manual).toContain(`signalbox ${group} ${name}`);
});

it('every command has an example in its help', async () => {
  const all = commands.flatMap((command) => {
    const below = { token: ['create', 'ls', 'revoke'], env: ['ls'] }[command];
    return below === undefined ? [[command]] : below.map((name) => [command, name]);
  });
  const helps = await Promise.all(all.map((words) => runProgram({ state: folder }, [...words, '--help'])));
  for (const [index, { code, stdout }] of helps.entries()) {
    const words = all[index]?.join(' ');
    expect(code).toBe(0);
    // Some commands are groups of commands, and theirs have them.
    if (/^Commands:/m.test(stdout.toString())) continue;
    expect(stdout.toString(), words).toMatch(new RegExp(`^ +(?:\\S.*)?signalbox ${words}`, 'm'));
  }
});

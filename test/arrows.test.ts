/**
 * The rules about where a line may stand: src imports machines, machines imports proto, never the other way; and
 * nothing below src touches the world.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

function sources(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name).replaceAll(sep, '/'))
    .filter((path) => path.endsWith('.ts') && !path.startsWith('proto/gen/'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** What a file imports or re-exports, also by `import()`: packages by name, files from the root of the project. */
function importsOf({ path, text }: Source): string[] {
  const statements = /^\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;
  const calls = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...text.matchAll(statements), ...text.matchAll(calls)].map(([, from, bare]) => {
    const specifier = (from ?? bare) as string;
    if (!specifier.startsWith('.')) return specifier;
    return normalize(join(dirname(path), specifier)).replaceAll(sep, '/');
  });
}

/** Code without comments and without the contents of strings, in which anything may be said. */
function codeOf({ text }: Source): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return text.replaceAll(token, (found) => (found.startsWith('/') ? '' : "''"));
}

/** Names by which code reaches for a clock, a timer, chance, a file, a process or the network. */
const WORLD = new RegExp(
  [
    String.raw`\bDate\b`,
    String.raw`\bMath\s*\.\s*random\b`,
    String.raw`(?<!\.)\b(?:set|clear)(?:Timeout|Interval|Immediate)\s*\(`,
    String.raw`\bqueueMicrotask\b|\bperformance\s*\.|\bcrypto\s*\.|\bglobalThis\b|\bconsole\s*\.`,
    String.raw`(?<!\.)\bprocess\s*\.\s*(?:env|argv|pid|nextTick|exit|on|once|stdout|stderr|stdin|hrtime|cwd)\b`,
    String.raw`\bfetch\s*\(|\bWebSocket\b|\bBuffer\s*\.|\brequire\s*\(`,
  ].join('|'),
  'g',
);

function reachesOf(source: Source): string[] {
  return [...codeOf(source).matchAll(WORLD)].map(([found]) => found);
}

const proto = sources('proto');
const machines = sources('machines');
const src = sources('src');
const isIn = (folder: string) => (path: string) => path.startsWith(`${folder}/`);

/** Every import of these files that is not allowed, with the file it stands in. */
function strays(files: readonly Source[], allowed: (imported: string) => boolean): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => !allowed(imported))
      .map((imported) => `${file.path} imports ${imported}`),
  );
}

describe('the arrows', () => {
  it('lead from proto to nothing but its generated codec', () => {
    expect(proto.length).toBeGreaterThan(5);
    expect(strays(proto, isIn('proto'))).toEqual([]);
    const codec = readFileSync(join(root, 'proto/gen/relay.js'), 'utf8');
    expect(importsOf({ path: 'proto/gen/relay.js', text: codec })).toEqual(['protobufjs/minimal.js']);
  });

  it('lead from machines to proto and xstate', () => {
    expect(machines.length).toBeGreaterThan(20);
    const allowed = (path: string) => isIn('machines')(path) || isIn('proto')(path) || path === 'xstate';
    expect(strays(machines, allowed)).toEqual([]);
  });

  it('lead from the arithmetic to no chart and not to xstate', () => {
    const arithmetic = machines.filter(({ path }) => isIn('machines/protocol')(path));
    expect(arithmetic.length).toBeGreaterThan(10);
    const allowed = (path: string) => isIn('machines/protocol')(path) || isIn('proto')(path);
    expect(strays(arithmetic, allowed)).toEqual([]);
  });

  it('lead from src to packages, machines and proto', () => {
    const own = ['src', 'machines', 'proto'].map(isIn);
    const isPackage = (path: string) => !/^(?:\.\.|test\/|docs\/|dist\/|\/)/.test(path) && !path.endsWith('.ts');
    const allowed = (path: string) => own.some((inside) => inside(path)) || isPackage(path);
    expect(strays(src, allowed)).toEqual([]);
  });

  it('go round in no circle', () => {
    const graph = new Map(
      [...proto, ...machines, ...src].map((file) => [
        file.path,
        // What is imported for its type alone is gone before anything runs.
        importsOf({ ...file, text: file.text.replaceAll(/^\s*(?:import|export) type\b[^;]*;/gm, '') }).map((path) =>
          path.replace(/\.js$/, '.ts'),
        ),
      ]),
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const walk = (path: string, way: readonly string[]): void => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '));
      if (done.has(path) || way.includes(path)) return;
      for (const next of graph.get(path) ?? []) walk(next, [...way, path]);
      done.add(path);
    };
    for (const path of graph.keys()) walk(path, []);
    expect(circles).toEqual([]);
  });
});

describe('proto and machines', () => {
  it('reach for no clock, timer, chance, file, process or network', () => {
    const reaches = [...proto, ...machines].flatMap((file) =>
      // The interface of the clock itself names what it stands for.
      file.path === 'machines/clock.ts' ? [] : reachesOf(file).map((found) => `${file.path}: ${found}`),
    );
    expect(reaches).toEqual([]);
  });

  it('hold one statechart a file, named after it', () => {
    for (const file of [...machines, ...src, ...proto]) {
      const charts = codeOf(file).match(/\bcreateMachine\(/g)?.length ?? 0;
      expect(charts, file.path).toBe(file.path.endsWith('.machine.ts') ? 1 : 0);
      if (charts === 0) continue;
      expect(file.path).toMatch(/^machines\/[a-z-]+\.machine\.ts$/);
      const name = basename(file.path, '.machine.ts');
      const id = /createMachine\(\{\s*id: '([a-zA-Z]+)'/.exec(file.text)?.[1];
      expect(id, file.path).toBe(name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase()));
    }
  });
});

describe('files', () => {
  const all = [...proto, ...machines, ...src];

  it('have names in kebab case, of one noun', () => {
    const name = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:machine|command))?(?:\.(?:test|bench))?\.ts$/;
    for (const { path } of [...all, ...sources('test')]) {
      expect(basename(path), path).toMatch(name);
      for (const folder of dirname(path).split('/')) expect(folder, path).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
      expect(path).not.toMatch(/(?:^|\/)(?:utils?|common|helpers?|managers?)[./]/);
    }
  });

  it('open with what they are for', () => {
    expect(all.filter(({ text }) => !/^(?:#!.*\n)?\/\*\*\n \* \S/.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('these tests', () => {
  it('see every way to import', () => {
    const text = [
      "import { a } from './a.js';",
      "import {\n  type B,\n  b,\n} from '../proto/b.js';",
      "import 'node:fs';",
      "export * from 'ws';",
      "export { c } from './c/c.js';",
      "const d = await import('node:net');",
      "import type { E } from '../src/e.js';",
    ].join('\n');
    expect(importsOf({ path: 'machines/x.ts', text }).sort()).toEqual(
      ['machines/a.js', 'proto/b.js', 'node:fs', 'ws', 'machines/c/c.js', 'node:net', 'src/e.js'].sort(),
    );
  });

  it('see what reaches for the world, and not what only speaks of it', () => {
    const reaching = [
      'Date.now()',
      'new Date()',
      'Math.random()',
      'setTimeout(f, 1)',
      'process.env.HOME',
      'fetch(url)',
    ];
    for (const text of reaching) expect(reachesOf({ path: 'x.ts', text }), text).toHaveLength(1);
    const speaking = ["clock.setTimeout(f, 1); // Date.now()\n/* fetch(url) */ const a = 'process.env';"];
    for (const text of speaking) expect(reachesOf({ path: 'x.ts', text }), text).toEqual([]);
  });
});

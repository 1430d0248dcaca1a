import { dirname } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planMounts } from '../../../src/host/sandbox/mount-plan.js';
import { locate, type PathFacts } from '../../../src/host/sandbox/path-facts.js';
import { type Access, type Grant, SandboxPolicyError } from '../../../src/host/sandbox/sandbox-policy.js';

type Entry = { readonly kind: 'folder' | 'file' } | { readonly kind: 'link'; readonly target: string };
type Tree = ReadonlyMap<string, Entry>;

const GUARDED = ['.git', '.agents', '.codex', '.aws'];
const RANK: Readonly<Record<Access, number>> = { none: 0, read: 1, write: 2 };

function factsOf(tree: Tree): PathFacts {
  return {
    kind: (path) => (path === '/' ? 'folder' : tree.get(path)?.kind),
    target: (path) => (tree.get(path) as { target: string }).target,
    repository: () => undefined,
  };
}

function treeOf(entries: Readonly<Record<string, string>>): Tree {
  return new Map(
    Object.entries(entries).map(([path, what]): [string, Entry] => [
      path,
      what === 'folder' || what === 'file' ? { kind: what } : { kind: 'link', target: what },
    ]),
  );
}

function plan(tree: Tree, grants: readonly Grant[], made: readonly string[] = []) {
  const policy = { grants, platformFolders: false, network: false };
  return planMounts(policy, factsOf(tree), { mountsProc: true, made: (path) => made.includes(path) });
}

/** What the kernel would make of the mounts: the deepest one decides, and one above covers those below it. */
function viewOf(args: readonly string[], mountPoints: readonly string[]): (path: string) => Access {
  const mounts = new Map<string, Access>();
  const mount = (at: string, access: Access) => {
    for (const other of mounts.keys()) if (isWithin(other, at)) mounts.delete(other);
    mounts.set(at, access);
  };
  for (let at = 0; at < args.length; ) {
    const [option, first = '', second = ''] = args.slice(at, at + 3);
    switch (option) {
      case '--bind':
      case '--bind-try':
        mount(second, 'write');
        at += 3;
        break;
      case '--ro-bind':
        mount(second, first === '/dev/null' ? 'none' : 'read');
        at += 3;
        break;
      case '--tmpfs':
        mount(first, 'none');
        at += 2;
        break;
      case '--dev':
      case '--proc':
      case '--remount-ro':
      case '--perms':
        at += 2;
        break;
      case '--symlink':
        at += 3;
        break;
      default:
        throw new Error(`unexpected argument ${option}`);
    }
  }
  for (const path of mountPoints) mount(path, 'none');
  return (path) => {
    for (let at = path; ; at = dirname(at)) {
      const access = mounts.get(at);
      if (access !== undefined) return access;
    }
  };
}

function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** What the grants say about a path without links: the narrowest decides, and `none` before `write` before `read`. */
function meaningOf(grants: readonly Grant[], tree: Tree): (path: string) => Access {
  const said = new Map<string, Access>();
  for (const { path, access } of grants) {
    const place = locate(path, factsOf(tree));
    if (place.kind === undefined) continue;
    const all = [access, said.get(place.path)];
    said.set(place.path, all.includes('none') ? 'none' : all.includes('write') ? 'write' : 'read');
  }
  return (path) => {
    for (let at = path; ; at = dirname(at)) {
      const access = said.get(at);
      if (access !== undefined) return access;
      if (at === '/') return 'none';
    }
  };
}

const NAMES = ['a', 'b', '.git'];
const pathArbitrary = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
  .map((names) => `/${names.join('/')}`);

/** Folders and files of few names, so that grants meet; now and then a link to anywhere. */
const treeArbitrary: fc.Arbitrary<Tree> = fc
  .array(
    fc.tuple(
      pathArbitrary,
      fc.oneof({ weight: 5, arbitrary: fc.constant('folder') }, fc.constant('file'), pathArbitrary),
    ),
    { maxLength: 16 },
  )
  .map((wanted) => {
    const tree = new Map<string, Entry>();
    for (const [path, what] of wanted.sort(([one], [other]) => one.length - other.length)) {
      const parent = dirname(path);
      if (parent !== '/' && tree.get(parent)?.kind !== 'folder') continue;
      tree.set(path, what === 'folder' || what === 'file' ? { kind: what } : { kind: 'link', target: what });
    }
    return tree;
  });

const grantsArbitrary = fc.array(
  fc.record({
    path: fc.oneof({ weight: 1, arbitrary: fc.constant('/') }, { weight: 5, arbitrary: pathArbitrary }),
    access: fc.constantFrom<Access>('none', 'read', 'write'),
  }),
  { maxLength: 6 },
);

function unlessRefused<Result>(make: () => Result): Result | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof SandboxPolicyError) return undefined;
    throw error;
  }
}

describe('a plan of mounts', () => {
  it('never shows more than was granted, whatever the grants and the files', () => {
    fc.assert(
      fc.property(treeArbitrary, grantsArbitrary, (tree, grants) => {
        const made = unlessRefused(() => plan(tree, grants));
        if (made === undefined) return;
        const view = viewOf(made.args, made.mountPoints);
        const meaning = meaningOf(grants, tree);
        for (const [path, { kind }] of tree) {
          if (kind === 'link') continue;
          expect(RANK[view(path)], `${path} in ${made.args.join(' ')}`).toBeLessThanOrEqual(RANK[meaning(path)]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('lets write everywhere it was granted, but for settings that nobody named', () => {
    fc.assert(
      fc.property(treeArbitrary, grantsArbitrary, (tree, grants) => {
        const made = unlessRefused(() => plan(tree, grants));
        if (made === undefined) return;
        const view = viewOf(made.args, made.mountPoints);
        const meaning = meaningOf(grants, tree);
        for (const [path, { kind }] of tree) {
          if (kind === 'link' || path.includes('.git') || meaning(path) !== 'write') continue;
          expect(view(path), `${path} in ${made.args.join(' ')}`).toBe('write');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps the settings in every writable folder from being written, unless they were named', () => {
    fc.assert(
      fc.property(treeArbitrary, grantsArbitrary, (tree, grants) => {
        const made = unlessRefused(() => plan(tree, grants));
        if (made === undefined) return;
        const facts = factsOf(tree);
        const named = new Set(grants.map(({ path }) => locate(path, facts).path));
        const view = viewOf(made.args, made.mountPoints);
        const roots = grants.filter(({ access }) => access === 'write').map(({ path }) => locate(path, facts));
        for (const root of roots) {
          if (root.kind !== 'folder' || root.path === '/' || meaningOf(grants, tree)(root.path) !== 'write') continue;
          for (const name of GUARDED) {
            const path = `${root.path}/${name}`;
            if (!named.has(path)) expect(view(path), `${path} in ${made.args.join(' ')}`).not.toBe('write');
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('mounts on places without links only, and on nothing that is missing', () => {
    fc.assert(
      fc.property(treeArbitrary, grantsArbitrary, (tree, grants) => {
        const made = unlessRefused(() => plan(tree, grants));
        if (made === undefined) return;
        for (const path of [...made.sources, ...made.mountPoints]) {
          for (let at = dirname(path); at !== '/'; at = dirname(at)) expect(tree.get(at)?.kind).toBe('folder');
        }
        for (const path of made.sources) expect(['folder', 'file']).toContain(tree.get(path)?.kind);
        for (const path of made.mountPoints) expect(tree.has(path)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order of the grants', () => {
    const shuffled = grantsArbitrary.chain((grants) =>
      fc.tuple(
        fc.constant(grants),
        fc.shuffledSubarray(grants, { minLength: grants.length, maxLength: grants.length }),
      ),
    );
    fc.assert(
      fc.property(treeArbitrary, shuffled, (tree, [one, other]) => {
        const made = unlessRefused(() => plan(tree, one));
        const again = unlessRefused(() => plan(tree, other));
        expect(again?.args).toEqual(made?.args);
        expect(new Set(again?.mountPoints)).toEqual(new Set(made?.mountPoints));
      }),
      { numRuns: 1000 },
    );
  });

  const ROOT: Grant = { path: '/', access: 'read' };

  it('refuses a grant whose way leads through a link the sandbox could replace', () => {
    const tree = treeOf({ '/w': 'folder', '/w/door': '/etc', '/etc': 'folder', '/etc/x': 'file' });
    const write: Grant = { path: '/w', access: 'write' };
    for (const access of ['none', 'read', 'write'] as const) {
      expect(() => plan(tree, [ROOT, write, { path: '/w/door', access }])).toThrow('symbolic link /w/door');
      expect(() => plan(tree, [ROOT, write, { path: '/w/door/x', access }])).toThrow(SandboxPolicyError);
    }
    expect(plan(tree, [ROOT, { path: '/w/door', access: 'write' }]).sources).toContain('/etc');
  });

  it('refuses settings that are a link the sandbox could replace', () => {
    const tree = treeOf({ '/w': 'folder', '/w/.codex': '/elsewhere' });
    expect(() => plan(tree, [ROOT, { path: '/w', access: 'write' }])).toThrow('/w/.codex');
  });

  it('follows links outside writable folders, also to a root', () => {
    const tree = treeOf({ '/home': 'folder', '/home/work': '../disk', '/disk': 'folder' });
    expect(plan(tree, [ROOT, { path: '/home/work', access: 'write' }]).args.join(' ')).toContain('--bind /disk /disk');
  });

  it('survives links in a circle', () => {
    const tree = treeOf({ '/x': '/y', '/y': '/x' });
    expect(plan(tree, [ROOT, { path: '/x', access: 'write' }]).sources).toEqual([]);
  });

  it('grants nothing where nothing is, and keeps what is protected from being made', () => {
    const tree = treeOf({ '/w': 'folder' });
    const grants: Grant[] = [ROOT, { path: '/w', access: 'write' }, { path: '/w/no/such', access: 'none' }];
    const { sources, mountPoints } = plan(tree, [...grants, { path: '/not/there', access: 'write' }]);
    expect(sources).toEqual(['/w']);
    expect([...mountPoints].sort()).toEqual(['/w/.agents', '/w/.aws', '/w/.codex', '/w/.git', '/w/no']);
  });

  it('takes a folder made for another sandbox for missing', () => {
    const tree = treeOf({ '/w': 'folder', '/w/.git': 'folder' });
    const grants: Grant[] = [ROOT, { path: '/w', access: 'write' }];
    expect(plan(tree, grants).mountPoints).not.toContain('/w/.git');
    expect(plan(tree, grants, ['/w/.git']).mountPoints).toContain('/w/.git');
  });

  it('protects the repository a work tree points to, where it could be written', () => {
    const tree = treeOf({ '/w': 'folder', '/w/.git': 'file', '/w/repo': 'folder' });
    const facts = { ...factsOf(tree), repository: () => '/w/repo' };
    const policy = { grants: [ROOT, { path: '/w', access: 'write' as const }], platformFolders: false, network: true };
    const { args } = planMounts(policy, facts, { mountsProc: true, made: () => false });
    expect(viewOf(args, [])('/w/repo')).toBe('read');
  });

  it('shows the folders of the platform where the root is not granted, links as links', () => {
    const tree = treeOf({ '/usr': 'folder', '/usr/bin': 'folder', '/bin': 'usr/bin', '/etc': 'folder' });
    const conditions = { mountsProc: true, made: () => false };
    const { args } = planMounts({ grants: [], platformFolders: true, network: true }, factsOf(tree), conditions);
    expect(args.join(' ')).toContain('--symlink usr/bin /bin');
    const view = viewOf(args, []);
    expect([view('/usr/bin/env'), view('/etc/passwd'), view('/home')]).toEqual(['read', 'read', 'none']);
  });
});

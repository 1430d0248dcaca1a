/** docs/protocol.md keeps its word: its rules are numbered without a gap, and the tests it names cite them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/protocol.md'), 'utf8');
const rules = [...page.matchAll(/^\*\*(R\d+)\.\*\*/gm)].map(([, rule]) => rule as string);
const proofs = [...page.matchAll(/^\| (R\d+) \| (.+) \|$/gm)].map(([, rule, cell]) => ({
  rule: rule as string,
  files: [...(cell as string).matchAll(/`([^`]+)`/g)].map(([, file]) => file as string),
}));

/** The rules that the names of a file's tests cite. */
function citedIn(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const names = [...text.matchAll(/\(\s*(['"`])((?:R\d+(?:, )?)+): /g)];
  return names.flatMap(([, , cited]) => (cited as string).split(', '));
}

describe('the rules in docs/protocol.md', () => {
  it('are numbered from 1 without a gap', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(rules).toEqual(rules.map((_, index) => `R${index + 1}`));
  });

  it('each have tests that cite them', () => {
    expect(proofs.map(({ rule }) => rule)).toEqual(rules);
    const silent = proofs.flatMap(({ rule, files }) =>
      (files.length === 0 ? ['no file'] : files)
        .filter((file) => !existsSync(join(root, file)) || !citedIn(file).includes(rule))
        .map((file) => `${rule}: ${file}`),
    );
    expect(silent).toEqual([]);
  });

  it('are all that tests cite, and know of each', () => {
    const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
      .map((name) => `test/${name.replaceAll('\\', '/')}`)
      .filter((name) => name.endsWith('.test.ts'));
    const unknown = files.flatMap((file) =>
      citedIn(file)
        .filter((rule) => !proofs.some((proof) => proof.rule === rule && proof.files.includes(file)))
        .map((rule) => `${rule} in ${file}`),
    );
    expect(unknown).toEqual([]);
  });

  it('stand beside pictures and pages that exist', () => {
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string);
    expect(links.filter((link) => !existsSync(join(root, 'docs', link)))).toEqual([]);
  });
});

/**
 * Makes the command out of few files, `dist/bin`: loading several hundred, most of them not ours, took it half a second.
 * The library and everything a test looks into stay as the compiler writes them. Run with node, after nothing.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const folder = 'dist/bin';
rmSync(folder, { recursive: true, force: true });
const { metafile } = await build({
  // The command, and the programs of threads and processes it starts, which it looks for beside itself.
  entryPoints: [
    'src/cli/main.ts',
    'src/noise/kem-worker.ts',
    'src/host/broker/spawn-helper.ts',
    'src/host/sandbox/file-helper.ts',
  ],
  outdir: folder,
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // With native halves, or looked for and not needed.
  external: ['bufferutil', 'utf-8-validate', '@lydell/*'],
  // Packages that are no modules ask for those of Node.
  banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
  // Names stay, for whoever reads where an error came from.
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
  logLevel: 'warning',
});

// Whoever passes on what is in there passes on the terms it came under.
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
);
const terms = [...packages].sort().map((name) => {
  const [file] = readdirSync(`node_modules/${name}`).filter((entry) => /^licen[cs]e/i.test(entry));
  const { license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'));
  const text = file === undefined ? license : readFileSync(`node_modules/${name}/${file}`, 'utf8').trim();
  return `${name}\n\n${text}\n`;
});
writeFileSync(`${folder}/LICENSES.txt`, terms.join(`\n${'-'.repeat(80)}\n\n`));

/** `npm run charts`: writes the pictures of all machines into docs/charts, and removes those of machines that are gone. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allPictures, CHARTS, chartFiles } from './chart-files.js';

const files = chartFiles(await allPictures());
for (const name of readdirSync(CHARTS)) {
  if (name !== 'README.md' && !files.has(name)) rmSync(join(CHARTS, name));
}
for (const [name, text] of files) writeFileSync(join(CHARTS, name), text);
process.stdout.write(`${files.size} files in docs/charts\n`);

/**
 * The files of the inspector's page and the drawn charts, by their place under the page's address. Only what is listed in
 * their folders can be had: no name from a request ever reaches the file system.
 */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

export interface InspectorFile {
  readonly type: string;
  read(): Promise<Buffer>;
}

/** Built pages are in `dist`, charts in `docs`, whether this file runs from the source tree or installed. */
export function inspectorFiles(): ReadonlyMap<string, InspectorFile> {
  const root = packageFolder();
  const files = new Map<string, InspectorFile>();
  const add = (folder: string, prefix: string) => {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      const type = TYPES[extname(name)];
      if (type !== undefined) files.set(prefix + name, { type, read: () => readFile(join(folder, name)) });
    }
  };
  add(join(root, 'dist/src/observe/page'), '');
  add(join(root, 'docs/charts'), 'charts/');
  const charts = [...files.keys()].flatMap((name) => /^charts\/(.+)\.svg$/.exec(name)?.[1] ?? []).sort();
  files.set('charts/index.json', {
    type: 'application/json; charset=utf-8',
    read: () => Promise.resolve(Buffer.from(JSON.stringify(charts))),
  });
  return files;
}

function packageFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/**
 * The version of this package, from the nearest package.json above: the same in the source tree and when installed.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function packageVersion(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
        string,
        unknown
      >;
      if (name === 'signalbox' && typeof version === 'string') return version;
    } catch {
      // No readable package.json here: the one above decides.
    }
  }
  return '0.0.0';
}

/**
 * A real Chromium, if this machine has one, and what it is started with: it draws without a graphics card and asks
 * nobody anything of its own accord.
 */
import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];

export const chromiumArguments: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function findChromium(): string | undefined {
  return [process.env.SIGNALBOX_CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));
}

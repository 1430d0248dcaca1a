/**
 * Where a real Chromium is, if this machine has one.
 */
import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];
export function findChromium(): string | undefined {
  return [process.env.SIGNALBOX_CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path));
}

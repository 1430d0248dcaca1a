/**
 * A real Chromium, where there is one; CI must have one.
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { chromiumArguments, findChromium } from './chromium-program.js';

/** Opens pages, and fails a test whose page has logged an error or asked anybody but its own program. */
export type OpenPage = (url: string, options?: PageOptions) => Promise<Page>;

export interface PageOptions extends BrowserContextOptions {
  /** What this page tries is refused, which browsers complain of. */
  readonly mayComplain?: boolean;
}

/** Tests that need a browser: skipped with a reason where there is none. */
export function describeWithChromium(name: string, tests: (open: OpenPage) => void): void {
  const path = findChromium();
  if (path === undefined) {
    if (process.env.CI === 'true') throw new Error('these tests need Chromium, which CI must have');
    process.stderr.write(`skipped: ${name}: no Chromium here (apt-get install chromium, or set SIGNALBOX_CHROMIUM)\n`);
  }
  describe.skipIf(path === undefined)(name, () => {
    let browser: Browser;
    beforeAll(async () => {
      // Each launch has a profile folder of its own, removed with it.
      browser = await chromium.launch({ executablePath: path ?? '', args: [...chromiumArguments], headless: true });
    });
    afterAll(() => browser?.close());
    tests(async (url, { mayComplain = false, ...options } = {}) => {
      const context = await browser.newContext({ viewport: { width: 1500, height: 860 }, ...options });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('request', (request) => {
        if (new URL(request.url()).host !== new URL(url).host) complaints.push(`asked ${request.url()}`);
      });
      onTestFinished(async () => {
        await context.close();
        if (complaints.length > 0 && !mayComplain) throw new Error(`the page complains: ${complaints.join('\n')}`);
      });
      await page.goto(url);
      return page;
    });
  });
}

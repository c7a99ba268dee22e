import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { toolOnPath } from './tools.js';

/** The Chromium of this machine; undefined where there is none. */
export const executable = toolOnPath('chromium');

/** A browser for a test file, and pages that are closed after each test. Call once at the top. */
export function browser(): (url: string, options?: BrowserContextOptions) => Promise<Page> {
  let running: Browser | undefined;
  const pages: Page[] = [];
  const errors: string[] = [];
  beforeAll(async () => {
    if (executable === undefined) return;
    running = await chromium.launch({ executablePath: executable, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    // What the script of a page threw, and what its policy did not allow.
    expect(errors.splice(0)).toEqual([]);
  });
  afterAll(async () => await running?.close());
  return async (url, options) => {
    if (running === undefined) throw new Error('the browser runs only while tests run');
    const context = await running.newContext(options ?? {});
    const page = await context.newPage();
    pages.push(page);
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (line) => {
      if (/content security policy/i.test(line.text())) errors.push(line.text());
    });
    await page.goto(url);
    return page;
  };
}

import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { ConnectionManager } from '../../src/index.js';
import { browser, executable } from '../support/browser.js';
import { type SceneName, scenes, stage } from '../support/console-scenes.js';
import { closeConnections, consoleServers } from '../support/console-server.js';
import { pictureOf } from '../support/pictures.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const serve = consoleServers();
const look = browser();
const token = 'a-token-of-the-tests';
const patience = { timeout: 60_000, interval: 100 };

/** A text of the page, once it is like this. */
async function says(page: Page, selector: string, like: RegExp): Promise<void> {
  await expect.poll(() => page.textContent(selector), patience).toMatch(like);
}

/** The cells of the strip, by what they show. */
async function cells(page: Page): Promise<Record<string, number>> {
  const shapes = await page.$$eval('.cells i', (all) =>
    all.map((cell) => (cell as { dataset?: { s?: string } }).dataset?.s ?? ''),
  );
  const counts: Record<string, number> = {};
  for (const shape of shapes) counts[shape] = (counts[shape] ?? 0) + 1;
  return counts;
}

/** What somebody who cannot see the page, or its colours, would miss. */
async function expectAccessible(page: Page): Promise<void> {
  const faults = await page.evaluate(`(() => {
    const faults = [];
    const visible = (element) => element.checkVisibility() && element.getClientRects().length > 0;
    const nameOf = (element) => element.getAttribute('aria-label') ?? document.getElementById(element.getAttribute('aria-labelledby'))?.textContent ?? element.textContent;
    for (const element of document.querySelectorAll('button, select, input, [role], h1, h2, h3, table th, section[aria-labelledby]')) {
      if (visible(element) && element.getAttribute('aria-hidden') !== 'true' && !['alert', 'status', 'presentation'].includes(element.getAttribute('role')) && nameOf(element).trim() === '') faults.push('no name: ' + element.outerHTML.slice(0, 120));
    }
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push('twice: #' + id);
    for (const option of document.querySelectorAll('[role=option]')) if (option.parentNode.getAttribute('role') !== 'listbox') faults.push('an option in no list');
    for (const th of document.querySelectorAll('th')) if (!th.scope && !th.querySelector('.unseen')) faults.push('a head without scope');
    // Contrast as in WCAG 2: of each text against what is behind it.
    const rgb = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const [r, g, b, a = 1] = rgb(getComputedStyle(at).backgroundColor);
        if (a > 0) return [r, g, b];
      }
      return [255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (node.data.trim() === '' || !visible(element) || element.closest('.unseen, .skip, script, style, i, [aria-hidden=true] .people')) continue;
      const [one, other] = [luminance(rgb(getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => b - a);
      const contrast = (one + 0.05) / (other + 0.05);
      if (contrast < 4.5) faults.push(contrast.toFixed(2) + ': ' + node.data.trim().slice(0, 40));
    }
    if (document.documentElement.scrollWidth > innerWidth) faults.push('wider than the window: ' + document.documentElement.scrollWidth);
    return [...new Set(faults)];
  })()`);
  expect(faults).toEqual([]);
}

const withBrowser = test.skipIf(executable === undefined);

describe('the page', () => {
  withBrowser.each(Object.keys(scenes) as SceneName[])('says what is the matter: %s', async (name) => {
    const scene = await stage(name, own);
    const { url } = await serve(scene.pool);
    const page = await look(url, { viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    await page.waitForSelector('.live');
    await scene.begin();
    try {
      await says(page, '#sentence', scene.sentence);
      await pictureOf(page, name);
      // What is read out is said again only when it is another verdict.
      expect(await page.getAttribute('#spoken', 'aria-live')).toBe('polite');
      await expectAccessible(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      await expectAccessible(page);
      await page.setViewportSize({ width: 360, height: 800 });
      await expectAccessible(page);
    } finally {
      await scene.end();
    }
  });

  withBrowser('shows each connection as the statistics have it', async () => {
    const front = await own.listen();
    const pool = await own.connect(front, { maxConnections: 12, minConnections: 7, leakDetectionThreshold: '60s' });
    await pool.warm();
    const held = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    const { url } = await serve(pool, { interval: 100 });
    const page = await look(url);
    await expect.poll(() => cells(page), patience).toEqual({ held: 3, idle: 4, free: 5 });
    front.latency = 60_000;
    const call = held[0]?.query('SELECT * FROM thing WHERE word = $word', { word: 'a-secret-word' });
    const asked = call?.collect().catch(() => undefined);
    await expect.poll(() => cells(page), patience).toEqual({ leased: 1, held: 2, idle: 4, free: 5 });
    expect(await page.textContent('#counts')).toBe('3 of 12 in use · 4 idle');

    // By keyboard to a connection, its holder, and back.
    await page.focus('.cells');
    await page.keyboard.press('End');
    await page.keyboard.press('Home');
    const active = await page.getAttribute('.cells', 'aria-activedescendant');
    expect(active).toMatch(/^c\d+$/);
    await page.click(`#c${held[0]?.id}`);
    await says(page, '#detail', /a call is under way/);
    const detail = await page.textContent('#detail');
    expect(detail).toContain('SELECT * FROM thing WHERE word = ');
    expect(detail).toContain('page.test.ts');
    expect(await page.content()).not.toContain('a-secret-word');
    expect(await page.textContent('#detail button')).toBe('Close');
    await pictureOf(page, 'detail');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.isHidden('#detail')).toBe(true);

    // Sorted by what was clicked, and said so.
    await page.click('#leases-table th button:text("Connection")');
    expect(await page.getAttribute('#leases-table th:first-child', 'aria-sort')).toBe('descending');
    const sorted = await page.$$eval('#leases-table tbody tr td:first-child', (all) =>
      all.map((cell) => cell.textContent),
    );
    expect(sorted).toEqual(
      [...held]
        .map(({ id }) => id)
        .sort((a, b) => b - a)
        .map((id) => `#${id}`),
    );
    front.latency = 0;
    front.dropAll();
    await asked;
    for (const connection of held) connection.release();
  });

  withBrowser('says that it is stale when nothing comes any more, and comes back by itself', async () => {
    const pool = await own.pool('mem://', { name: 'shop' });
    const { url } = await serve(pool, { interval: 100 });
    const page = await look(url);
    await says(page, '#link-text', /^live, every 100 ms$/);
    await page.context().setOffline(true);
    await page.evaluate('void 0');
    // What is under way goes on when a browser goes offline: the server ends it.
    await page.route('**/events*', (route) => route.abort());
    closeConnections();
    await says(page, '#link-text', /^Stale: this is .* old\. Connecting again/);
    expect(await page.title()).toMatch(/^\(stale\) /);
    await pictureOf(page, 'stale');
    await page.unroute('**/events*');
    await page.context().setOffline(false);
    await says(page, '#link-text', /^live/);
    await expect.poll(() => page.title()).not.toMatch(/stale/);
  });

  withBrowser('lets one choose between pools, and keeps the choice', async () => {
    const pools: ConnectionManager[] = [];
    for (const name of ['shop', 'mail']) pools.push(await own.pool('mem://', { name }));
    const { url } = await serve(pools, { interval: 100 });
    const page = await look(url);
    await page.waitForSelector('.live');
    expect(await page.$$eval('#pools option', (all) => all.map((option) => option.textContent))).toEqual([
      '● shop',
      '● mail',
    ]);
    await page.selectOption('#pools', 'mail');
    await expect.poll(() => page.title()).toContain('mail');
    expect(page.url()).toContain('pool=mail');
    await page.reload();
    await expect.poll(() => page.title()).toContain('mail');
  });

  withBrowser('has two themes, and remembers the one that was chosen', async () => {
    const pool = await own.pool('mem://');
    const { url } = await serve(pool);
    const page = await look(url, { colorScheme: 'dark' });
    const theme = (): Promise<string | null> => page.getAttribute('html', 'data-theme');
    expect(await theme()).toBe('dark');
    await page.click('#theme');
    expect(await theme()).toBe('light');
    await page.reload();
    expect(await theme()).toBe('light');
  });
});

describe('an action on the page', () => {
  withBrowser('is asked about, needs the token once, and ends a lease', async () => {
    const pool = await own.connect(await own.listen(), { maxConnections: 2 });
    const held = await pool.acquire();
    await held.query('RETURN 1');
    const { url } = await serve(pool, { interval: 100, actions: true, token });
    const page = await look(url);
    await page.waitForSelector('.live');
    await page.click('#leases-table tbody button');
    await page.click('#detail button:text("End this lease")');
    await page.fill('#ask-input', 'it blocks the night job');
    await pictureOf(page, 'end-lease');
    await page.click('#ask-yes');
    // Now the token is asked for.
    await says(page, '#ask-title', /^Token$/);
    await page.fill('#ask-input', 'not-the-token-of-it');
    await page.keyboard.press('Enter');
    await says(page, '#note', /^Not done: The token is wrong/);
    expect(await held.query('RETURN 2')).toEqual([2]);
    await page.click('#detail button:text("End this lease")');
    await page.click('#ask-yes');
    await says(page, '#ask-title', /^Token$/);
    await page.fill('#ask-input', token);
    await page.keyboard.press('Enter');
    await says(page, '#note', /^Done: the lease of connection \d+ was ended\.$/);
    await expect(held.query('RETURN 3')).rejects.toThrow('ended by an operator');

    // It is known now, and is neither in the address nor shown.
    await page.click('#pause');
    await page.click('#ask-no');
    expect(pool.state).toBe('running');
    await page.click('#pause');
    await page.click('#ask-yes');
    await expect.poll(() => pool.state, patience).toBe('paused');
    await says(page, '#pause', /^Resume$/);
    await page.click('#pause');
    await expect.poll(() => pool.state, patience).toBe('running');
    expect(page.url()).not.toContain(token);
    expect(await page.content()).not.toContain(token);
  });

  withBrowser('of a page for other machines needs the token to look at all; it may be in the fragment', async () => {
    const pool = await own.pool('mem://', { name: 'shop' });
    const { url } = await serve(pool, { interval: 100, allowRemote: true, token });
    const page = await look(url);
    await says(page, '#ask-title', /^Token$/);
    expect(await page.textContent('#pool')).toBe('');
    await page.fill('#ask-input', token);
    await page.click('#ask-yes');
    await says(page, '#pool', /^shop$/);
    const other = await look(`${url}#token=${token}`);
    await says(other, '#pool', /^shop$/);
    expect(other.url()).toBe(url);
  });
});

withBrowser('a thousand connections and ten thousand waiters stay readable', async () => {
  const pool = await own.pool('mem://', {
    ...{ name: 'shop/orders', maxConnections: 1000, maxWaiters: 20_000, connectionTimeout: '10m', batching: 'off' },
  });
  const held = await Promise.all(Array.from({ length: 1000 }, () => pool.acquire()));
  const waiters = Array.from({ length: 10_000 }, () =>
    pool.acquire().then(
      (connection) => connection.release(),
      () => {},
    ),
  );
  const { url } = await serve(pool);
  const page = await look(url, { viewport: { width: 1280, height: 900 } });
  await says(page, '#queue', /^10,000 callers wait, the oldest for /);
  await expect.poll(() => cells(page), patience).toEqual({ held: 1000 });
  await says(page, '#sentence', /^Callers hold connections without using them: 1,000 of 1,000/);
  expect(await page.$$eval('.people', ([people]) => people?.textContent?.length ?? 0)).toBeLessThan(80);
  expect(await page.$$eval('#leases-table tbody tr', (rows) => rows.length)).toBe(25);
  expect(await page.textContent('#leases-words')).toBe('the longest first; 975 more');
  await expectAccessible(page);
  await pictureOf(page, 'thousand');
  const times = (await page.evaluate(
    `performance.getEntriesByName('draw').map(({ duration }) => duration).sort((a, b) => a - b)`,
  )) as number[];
  const at = (share: number): string =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1);
  console.log(`the script of the page took ${at(0.5)} ms a frame, p95 ${at(0.95)} ms, in ${times.length} frames`);
  expect(times.length).toBeGreaterThan(0);
  for (const connection of held) connection.release();
  await Promise.all(waiters);
});

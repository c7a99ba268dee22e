import { expect, test } from 'vitest';
import { browser, executable } from '../support/browser.js';
import { type SceneName, scenes, stage } from '../support/console-scenes.js';
import { consoleServers } from '../support/console-server.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const serve = consoleServers();
const look = browser();
/** Where to put pictures of the scenes; undefined: none are made. */
const pictures = process.env.CONSOLE_PICTURES;

test.skipIf(executable === undefined).each(Object.keys(scenes) as SceneName[])(
  'the page of a pool: %s',
  async (name) => {
    const scene = await stage(name, own);
    const { url } = await serve(scene.pool);
    const page = await look(url, { viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    await page.waitForSelector('.live');
    await scene.begin();
    try {
      await expect
        .poll(async () => await page.textContent('#sentence'), { timeout: 60_000, interval: 200 })
        .toMatch(scene.sentence);
      if (pictures !== undefined) {
        await page.waitForTimeout(Number(process.env.CONSOLE_PICTURES_AFTER ?? 6_000));
        await page.screenshot({ path: `${pictures}/${name}-light.png`, fullPage: true });
        await page.emulateMedia({ colorScheme: 'dark' });
        await page.screenshot({ path: `${pictures}/${name}-dark.png`, fullPage: true });
        await page.setViewportSize({ width: 360, height: 800 });
        await page.waitForTimeout(700);
        await page.screenshot({ path: `${pictures}/${name}-narrow.png`, fullPage: true });
      }
    } finally {
      await scene.end();
    }
  },
);

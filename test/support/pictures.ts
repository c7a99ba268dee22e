import type { Page } from 'playwright-core';

/** A folder for pictures of what the tests stage, `CONSOLE_PICTURES`; without it none are made, and nothing is waited for. */
const folder = process.env.CONSOLE_PICTURES;
/** How long a scene goes on before its picture, in milliseconds, so that its charts have something to show. */
const after = Number(process.env.CONSOLE_PICTURES_AFTER ?? 8_000);

/** Takes pictures of a page: light and dark, wide and narrow. */
export async function pictureOf(page: Page, name: string): Promise<void> {
  if (folder === undefined) return;
  const size = page.viewportSize();
  await page.waitForTimeout(after);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 800 });
    await page.waitForTimeout(700);
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}-narrow.png`, fullPage: true });
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.waitForTimeout(700);
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png`, fullPage: true });
    // What is seen first, without the long tables.
    const leases = await page.locator('#leases').boundingBox();
    const height = Math.round((leases?.y ?? 900) + (leases?.height ?? 0) + 14);
    const clip = { x: 0, y: 0, width: 1280, height };
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}-top.png`, fullPage: true, clip });
  }
  if (size !== null) await page.setViewportSize(size);
}

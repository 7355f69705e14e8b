// Every page in every look: it loads, without errors, foreign requests and serious findings of axe-core, and fits the window.
// Leaves a screenshot of each in target/browser.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";

import { findings } from "../harness/axe.js";
import { LOOKS } from "../harness/browser.js";

const SHOTS = process.env.SCREENSHOTS ?? new URL("../../../target/browser/", import.meta.url).pathname;

/** Adds the tests. */
export function looks(seeded) {
  for (const look of LOOKS) {
    test(`pages in look ${look.name} load without faults, are accessible and fit the window`, (context) => inLook(context, seeded, look));
  }

  test("titles of pages differ", async () => {
    const visitor = await seeded.visitor();
    const titles = new Map();
    for (const path of new Set(seeded.pages.map((one) => one.path.split("?")[0]))) {
      await visitor.goto(path, { mayFail: true });
      const title = await visitor.page.title();
      assert.ok(!titles.has(title), `${path} and ${titles.get(title)} have the title ${title}`);
      titles.set(title, path);
    }
    await visitor.close();
  });
}

async function inLook(context, seeded, { name: look, ...options }) {
  await mkdir(SHOTS, { recursive: true });
  const visitor = await seeded.visitor(options);
  for (const { name, path, status = 200, section } of seeded.pages) {
    await context.test(name, async () => {
      assert.equal(await visitor.goto(path, { mayFail: status !== 200 }), status);
      const { page } = visitor;
      await page.screenshot({ path: `${SHOTS}/${name}-${look}.png`, fullPage: true });
      assert.equal(await page.locator("h1").count(), 1, "one heading of the page");
      assert.match(await page.title(), /^.+ · dropship$/);
      const current = await page.locator("nav.sections [aria-current=page]").allTextContents();
      assert.deepEqual(current, section ? [section] : []);
      assert.deepEqual(await findings(page), []);
      const beyond = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth - clientWidth;
      });
      assert.equal(beyond, 0, "pixels beyond the right edge of the window");
      assert.deepEqual(visitor.faults.splice(0), []);
    });
  }
  await visitor.close();
}

// The pages with the keyboard alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { shownRows } from "../harness/table.js";

/** More presses of Tab than any page of the tests has stops. */
const MAX_STOPS = 200;

/** Adds the tests. */
export function keyboard(seeded) {
  let visitor;
  let page;

  before(async () => {
    visitor = await seeded.visitor({ viewport: { width: 390, height: 844 } });
    page = visitor.page;
  });

  after(() => visitor?.close());

  /** The element that has the focus: its text, and how its focus can be seen. */
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const name = element.getAttribute("aria-label") ?? (element.textContent.trim() || element.getAttribute("name"));
      return {
        name,
        tag: element.tagName.toLowerCase(),
        href: element.getAttribute("href"),
        isOutlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
        isInView: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
      };
    });

  /** Presses Tab until the focus is where `isThere` says. */
  async function tabTo(what, isThere) {
    for (let stop = 0; stop < MAX_STOPS; stop += 1) {
      await page.keyboard.press("Tab");
      const element = await focused();
      if (isThere(element)) return element;
    }
    throw new Error(`Tab never reached ${what}`);
  }

  test("skip link is first, and leads past the navigation", async () => {
    await visitor.goto("/packages");
    await page.keyboard.press("Tab");
    const first = await focused();
    assert.equal(first.href, "#content");
    assert.ok(first.isInView, "the link is visible while it has the focus");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)), true);
  });

  test("navigation, filter and package are reached and used", async () => {
    await visitor.goto("/");
    await tabTo("Packages", ({ href }) => href === "/packages");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/packages");
    await tabTo("the search", ({ name }) => name === "q");
    await page.keyboard.type("audio-4.2.0");
    await tabTo("the state", ({ tag }) => tag === "select");
    await page.keyboard.type("succeeded");
    await tabTo("Show", ({ tag }) => tag === "button");
    await page.keyboard.press("Enter");
    await page.waitForURL("**q=audio-4.2.0**state=succeeded**");
    assert.deepEqual((await shownRows(page)).map((row) => row.package), ["contoso-audio-4.2.0.cab"]);
    await tabTo("the package", ({ name }) => name === "contoso-audio-4.2.0.cab");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/packages/*");
    assert.equal(visitor.address, `/packages/${seeded.jobs.get("contoso-audio-4.2.0.cab").id}`);
  });

  test("details open with the keyboard", async () => {
    await visitor.goto(`/packages/${seeded.jobs.get("contoso-ethernet-9.1.0.cab").id}`);
    await tabTo("a summary", ({ tag }) => tag === "summary");
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => document.activeElement.closest("details").open));
  });

  test("every stop of every page is named, and its focus is visible", async (context) => {
    for (const { name, path, status = 200 } of seeded.pages) {
      await context.test(name, async () => {
        assert.equal(await visitor.goto(path, { mayFail: status !== 200 }), status);
        // Tables wider than the window are scrolled with the arrow keys.
        const scrolled = page.locator("main .scroll");
        for (const region of await scrolled.all()) {
          const isWider = await region.evaluate((element) => element.scrollWidth > element.clientWidth);
          if (isWider) assert.equal(await region.getAttribute("tabindex"), "0");
        }
        for (let stop = 0; stop < MAX_STOPS; stop += 1) {
          await page.keyboard.press("Tab");
          const element = await focused();
          if (element.tag === "body") return;
          assert.ok(element.name, `${element.tag} has a name`);
          assert.ok(element.isOutlined, `the focus of ${element.tag} ${element.name} is visible`);
          assert.ok(element.isInView, `${element.tag} ${element.name} is in view`);
        }
      });
    }
  });

  test("nothing was refused or failed in the browser", () => assert.deepEqual(visitor.faults, []));
}

// Open pages follow a package without being loaded again, also after the daemon was started again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Visitor, openBrowser } from "./harness/browser.js";
import { driver } from "./harness/driver.js";
import { Site } from "./harness/site.js";

let browser;
let site;

before(async () => {
  // Reviews end when the test says so: each state can be seen.
  [browser, site] = await Promise.all([openBrowser(), Site.start({ sandbox: ["--speed", "3600", "--review", "until-released"] })]);
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** Marks the document of a page, to see later that it is still the same. */
const mark = (page) => page.evaluate(() => (globalThis.isFirstDocument = true));
const isMarked = (page) => page.evaluate(() => globalThis.isFirstDocument === true);

/** The entry of a package in a section of the Overview. */
const entry = (page, section, name) => page.getByRole("region", { name: section }).locator("li", { hasText: name });

async function release(job) {
  const { submission_id: id } = await site.json("show", job.id);
  await site.control("POST", "release", { id });
}

test("overview and package page follow a package to its end", async () => {
  const overview = await Visitor.open(browser, site);
  await overview.goto("/");
  await overview.page.getByRole("region", { name: "In progress" }).waitFor();
  await overview.page.getByText("Updated live").waitFor();
  await mark(overview.page);
  await site.drop("echo.cab", driver());
  await entry(overview.page, "In progress", "echo.cab").getByText(/^sign for/).waitFor();

  const follower = await Visitor.open(browser, site);
  await entry(overview.page, "In progress", "echo.cab").getByRole("link", { name: "echo.cab" }).click();
  await overview.page.waitForURL("**/packages/*");
  await follower.goto(overview.address);
  await overview.page.goBack();
  await overview.page.getByText("Updated live").waitFor();
  await Promise.all([overview, follower].map(({ page }) => mark(page)));

  await release(await site.job("echo.cab"));
  await entry(overview.page, "Last results", "echo.cab").getByText("succeeded").waitFor();
  await follower.page.locator("h1 ~ .badge, .head .badge").getByText("succeeded").waitFor();
  await follower.page.getByRole("link", { name: "signed.zip" }).waitFor();
  assert.equal(await entry(overview.page, "In progress", "echo.cab").count(), 0);
  for (const visitor of [overview, follower]) {
    assert.ok(await isMarked(visitor.page), "the page was not loaded again");
    assert.deepEqual(visitor.faults, []);
    await visitor.close();
  }
});

test("open page keeps what the reader has opened and focused", async () => {
  await site.drop("kept.cab", driver({ version: "3.0.0.0" }));
  const job = await site.job("kept.cab", "waiting");
  const visitor = await Visitor.open(browser, site);
  const { page } = visitor;
  await visitor.goto(`/packages/${job.id}`);
  await page.getByText("Updated live").waitFor();
  const summary = page.locator("summary").first();
  await summary.click();
  await summary.focus();
  const text = await summary.textContent();
  await release(job);
  await page.locator(".head .badge").getByText("succeeded").waitFor();
  const details = page.locator("details", { hasText: text }).first();
  assert.ok(await details.evaluate((element) => element.open), "what was opened stays open");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), text, "the focus stays");
  await visitor.close();
});

test("overview reconnects after the daemon was started again", async () => {
  const visitor = await Visitor.open(browser, site);
  const { page } = visitor;
  await visitor.goto("/");
  await page.getByText("Updated live").waitFor();
  await mark(page);
  visitor.mayFail = true;
  await site.stopDaemon();
  await page.getByText("Connection lost").waitFor();
  await site.startDaemon();
  await page.getByText("Updated live").waitFor();
  await site.drop("later.cab", driver({ version: "2.0.0.0" }));
  await entry(page, "In progress", "later.cab").waitFor();
  await release(await site.job("later.cab", "waiting"));
  await entry(page, "Last results", "later.cab").getByText("succeeded").waitFor();
  assert.ok(await isMarked(page), "the page was not loaded again");
  await visitor.close();
});

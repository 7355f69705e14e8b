// The page of a package: its files, and the command that approves a held label.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { Visitor, openBrowser } from "./harness/browser.js";
import { driver } from "./harness/driver.js";
import { DROPSHIP, Site } from "./harness/site.js";
import { save } from "./harness/table.js";

const run = promisify(execFile);

let browser;
let site;
let visitor;
let page;

before(async () => {
  [browser, site] = await Promise.all([openBrowser(), Site.start()]);
  visitor = await Visitor.open(browser, site, { permissions: ["clipboard-read", "clipboard-write"] });
  page = visitor.page;
});

after(async () => {
  await browser?.close();
  await site?.close();
});

test("each file that is offered equals the one in the outbox", async () => {
  await site.drop("echo.cab", driver());
  const job = await site.job("echo.cab", "succeeded");
  await visitor.goto(`/packages/${job.id}`);
  const results = await site.results(job);
  const links = page.locator("a[download]");
  const names = await links.allTextContents();
  for (const name of [...job.files.map((file) => file.name), "receipt.json"]) assert.ok(names.includes(name), name);
  for (const link of await links.all()) {
    const saved = await save(page, link);
    assert.equal(saved.name, await link.textContent());
    assert.ok(saved.bytes.equals(results.get(saved.name)), `${saved.name} equals the file in the outbox`);
  }
});

test("command of a held label can be copied, pasted and run", async () => {
  await site.drop("net.cab", driver({ inf: "net" }), "network");
  const job = await site.job("net.cab", "held");
  const { approval } = await site.json("show", job.id);
  await visitor.goto(`/packages/${job.id}`);
  const command = page.locator("pre.command");
  await command.click({ clickCount: 3 });
  await page.keyboard.press("ControlOrMeta+c");
  const copied = (await page.evaluate(() => navigator.clipboard.readText())).trim();
  assert.equal(copied, approval[0].command);
  await run("sh", ["-c", copied.replace(/^dropship /, '"$DROPSHIP" ')], {
    env: { ...process.env, DROPSHIP, DROPSHIP_CONFIG: site.path("dropship.toml") },
  });
  await page.locator(".head .badge").getByText("succeeded").waitFor();
  await command.waitFor({ state: "detached" });
});

test("nothing was refused or failed in the browser", () => assert.deepEqual(visitor.faults, []));

// Labels, who gets what, rules and charts: what they answer agrees with the commands.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { Visitor, openBrowser } from "./harness/browser.js";
import { driver } from "./harness/driver.js";
import { Site } from "./harness/site.js";
import { until } from "./harness/wait.js";

const DEVICE = "PCI\\VEN_8086&DEV_1234&SUBSYS_00011028";

let browser;
let site;
let visitor;
let page;

before(async () => {
  [browser, site] = await Promise.all([openBrowser(), Site.start()]);
  await site.drop("echo-1.cab", driver({ version: "1.0.0.1" }));
  await site.drop("other-1.cab", driver({ version: "1.0.0.2", inf: "other", hardwareIds: ["USB\\VID_045E&PID_0001"] }));
  await site.drop("net-1.cab", driver({ version: "7.0.0.1", inf: "net" }), "network");
  await site.settled(3);
  visitor = await Visitor.open(browser, site);
  page = visitor.page;
});

after(async () => {
  await browser?.close();
  await site?.close();
});

test("who: the form finds the labels that reach a device", async (context) => {
  for (const [id, os] of [[DEVICE, ""], ["usb\\vid_045e*", ""], ["pci\\*", "WINDOWS_v100_X64_NI_*"], ["PCI\\VEN_FFFF", ""]]) {
    await context.test(`${id} ${os}`, async () => {
      await visitor.goto("/who");
      await page.getByLabel("Hardware id", { exact: true }).fill(id);
      await page.getByLabel("OS code (optional)").fill(os);
      await page.getByRole("button", { name: "Look up" }).click();
      await page.waitForURL("**hardware_id=**");
      const shown = await page.locator("[aria-labelledby=answer] ul.rows > li span.name").allTextContents();
      const answer = await site.json("who", id, ...(os ? ["--os", os] : []));
      const names = (answer.labels ?? answer).map((label) => label.name ?? label.label);
      assert.deepEqual(shown.sort(), names.sort());
      assert.equal(await page.getByLabel("Hardware id", { exact: true }).inputValue(), id, "the form keeps the question");
    });
  }
});

test("labels: filters narrow the list", async () => {
  const labels = await site.json("labels");
  await visitor.goto("/labels");
  const region = page.getByRole("region", { name: "All labels", exact: true }).locator("tbody tr");
  assert.equal(await region.count(), labels.length);
  await page.locator("#q").fill("net-1");
  await page.getByRole("button").click();
  await page.waitForURL("**q=net-1**");
  const wanted = labels.filter((label) => label.name.includes("net-1")).map((label) => label.name);
  const shown = await region.allTextContents();
  assert.equal(shown.length, wanted.length);
  for (const name of wanted) assert.ok(shown.some((row) => row.includes(name)), name);
});

test("rules: changes on disk are shown, with the reasons if a reload would be refused", async () => {
  const file = site.path("dropship.toml");
  const text = await readFile(file, "utf8");
  const disk = page.getByRole("region", { name: "Configuration on disk" });
  const shows = (wanted) =>
    until(`the comparison to show ${wanted}`, async () => {
      await visitor.goto("/rules");
      return (await disk.innerText()).includes(wanted);
    });
  await shows("would change nothing");
  for (const rule of ["audio-attestation", "network-staged", "firmware-pilot"]) {
    assert.equal(await page.getByRole("link", { name: rule, exact: true }).count(), 1, rule);
  }
  await writeFile(file, text.replaceAll("audio-attestation", "audio-renamed"));
  await shows("audio-renamed");
  await writeFile(file, `${text}\nunknown_key = "<b>x</b>"\n`);
  await shows("unknown_key");
  assert.equal(await page.locator("main b").count(), 0);
  await writeFile(file, text);
  await site.json("reload");
  await shows("would change nothing");
  await page.getByRole("region", { name: "Configuration in force" }).getByText("applied").waitFor();
});

test("charts: each has its numbers as text, and the weeks can be chosen", async () => {
  await visitor.goto("/charts");
  const figures = page.locator("main figure");
  assert.ok((await figures.count()) >= 4, "time to signed and published, outcomes, calls");
  for (const figure of await figures.all()) {
    assert.equal(await figure.locator("svg[role=img]").count(), 1, "a picture with a name");
    assert.ok((await figure.locator("table").count()) > 0, await figure.innerHTML());
  }
  await page.getByRole("link", { name: "26 weeks" }).click();
  await page.waitForURL("**weeks=26");
  assert.equal(await page.locator("[aria-current=true]").textContent(), "26 weeks");
});

test("nothing was refused or failed in the browser", () => assert.deepEqual(visitor.faults, []));

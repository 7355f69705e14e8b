// The table of packages: filters, order, pages, and files of what is shown.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Visitor, openBrowser } from "./harness/browser.js";
import { driver } from "./harness/driver.js";
import { Site } from "./harness/site.js";
import { parseCsv, save, shownRows } from "./harness/table.js";

/** Number of packages that no rule is for: with the others more than one page. */
const UNKNOWN = 56;

let browser;
let site;
let visitor;
let page;

before(async () => {
  [browser, site] = await Promise.all([openBrowser(), Site.start()]);
  await site.drop("echo-1.cab", driver({ version: "1.0.0.1" }));
  await site.drop("echo-2.cab", driver({ version: "1.0.0.2", provider: "Fabrikam" }));
  await site.drop("net-1.cab", driver({ version: "7.0.0.1", inf: "ethernet" }), "network");
  for (let number = 1; number <= UNKNOWN; number += 1) {
    const name = `unknown-${String(number).padStart(2, "0")}.cab`;
    await site.drop(name, driver({ version: `2.0.0.${number}` }));
  }
  await site.settled(UNKNOWN + 3);
  visitor = await Visitor.open(browser, site);
  page = visitor.page;
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** The field with this label. The text of a label includes the options of its field. */
function fieldOf(page, label) {
  return page.locator("form.filters label").filter({ hasText: label }).locator("input, select");
}

/** Fills the form of filters and submits it. */
async function filter(values) {
  await visitor.goto("/packages");
  for (const [label, value] of Object.entries(values)) {
    const field = fieldOf(page, label);
    const isChoice = (await field.evaluate((element) => element.tagName)) === "SELECT";
    await (isChoice ? field.selectOption(value) : field.fill(value));
  }
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForLoadState();
  return (await shownRows(page)).map((row) => row.package).sort();
}

test("filters narrow the table, and their address can be shared", async (context) => {
  const today = new Date().toISOString().slice(0, 10);
  const cases = [
    ["state", { State: "succeeded" }, ["echo-1.cab", "echo-2.cab"]],
    ["folder", { Folder: "network" }, ["net-1.cab"]],
    ["rule", { Rule: "audio-attestation" }, ["echo-1.cab", "echo-2.cab"]],
    ["glob", { "File name (glob)": "ECHO-?.cab" }, ["echo-1.cab", "echo-2.cab"]],
    ["provider", { Search: "fabrikam" }, ["echo-2.cab"]],
    ["INF and version", { Search: "ethernet 7.0" }, ["net-1.cab"]],
    ["several", { State: "rejected", Search: "2.0.0.33", Folder: "audio" }, ["unknown-33.cab"]],
    ["dates", { "Arrived from": today, "File name (glob)": "net-*" }, ["net-1.cab"]],
    ["dates without packages", { "Arrived to": "2001-01-01" }, []],
    ["nothing", { Search: "no such package" }, []],
  ];
  for (const [name, values, expected] of cases) {
    await context.test(name, async () => {
      assert.deepEqual(await filter(values), expected);
      const { address } = visitor;
      const other = await Visitor.open(browser, site);
      assert.equal(await other.goto(address), 200);
      assert.deepEqual((await shownRows(other.page)).map((row) => row.package).sort(), expected);
      for (const [label, value] of Object.entries(values)) {
        assert.equal(await fieldOf(other.page, label).inputValue(), value, "the form shows the filter");
      }
      await other.close();
    });
  }
});

test("product id finds its package", async () => {
  const job = await site.job("echo-2.cab");
  assert.deepEqual(await filter({ Search: job.product_id }), ["echo-2.cab"]);
});

test("reset shows all packages again", async () => {
  await filter({ State: "succeeded" });
  await page.getByRole("link", { name: "Reset" }).click();
  await page.waitForURL("**/packages");
  assert.equal((await shownRows(page)).length, 50);
});

test("columns sort in both directions, and the order is announced", async (context) => {
  for (const [column, read] of [
    ["Package", (row) => row.package.toLowerCase()],
    ["Version", (row) => row.cells.Version.split(".").map((part) => part.padStart(5, "0")).join(".")],
    ["State", (row) => row.cells.State],
  ]) {
    await context.test(column, async () => {
      await visitor.goto("/packages?size=500");
      const seen = {};
      for (let click = 0; click < 2; click += 1) {
        await page.locator("thead").getByRole("link", { name: column }).click();
        await page.waitForLoadState();
        const order = await page.locator("thead th", { hasText: column }).getAttribute("aria-sort");
        seen[order] = (await shownRows(page)).map(read);
      }
      assert.deepEqual(Object.keys(seen).sort(), ["ascending", "descending"]);
      const runs = (list) => list.filter((value, index) => value !== list[index - 1]);
      assert.equal(new Set(seen.ascending).size, runs(seen.ascending).length, "equal values are together");
      assert.deepEqual(runs(seen.descending), runs(seen.ascending).reverse());
      if (column !== "State") assert.deepEqual(seen.ascending, seen.ascending.toSorted());
    });
  }
});

test("pages hold each package once, also while further packages arrive", async () => {
  await visitor.goto("/packages");
  const first = await shownRows(page);
  await site.drop("unknown-late.cab", driver({ version: "9.9.9.9" }));
  await site.job("unknown-late.cab", "rejected");
  await page.locator("nav.pages").getByRole("link", { name: "2", exact: true }).click();
  await page.waitForURL("**page=2**");
  const ids = [...first, ...(await shownRows(page))].map((row) => row.id);
  const jobs = (await site.json("jobs")).filter((job) => job.package !== "unknown-late.cab");
  assert.deepEqual(ids, jobs.map((job) => job.id));
});

test("files hold the shown packages", async (context) => {
  for (const address of ["/packages", "/packages?sort=version&order=asc&page=2", "/packages?state=succeeded&q=echo"]) {
    await context.test(address, async () => {
      await visitor.goto(address);
      const rows = await shownRows(page);
      assert.ok(rows.length > 0);
      const links = page.locator("nav.pages p");
      const csv = await save(page, links.getByRole("link", { name: "CSV" }).first());
      const json = await save(page, links.getByRole("link", { name: "JSON" }).first());
      assert.match(csv.name, /\.csv$/);
      assert.match(json.name, /\.json$/);
      const fromCsv = parseCsv(csv.bytes.toString());
      const fromJson = JSON.parse(json.bytes.toString());
      const keys = ({ id, package: name, state, step, folder, rule }) => [id, name, state, step, folder, rule ?? ""];
      const shown = rows.map((row) => {
        const { State: state, Step: step, Folder: folder, Rule: rule } = row.cells;
        return keys({ ...row, state: state.replace(/^\P{L}+/u, ""), step, folder, rule });
      });
      assert.deepEqual(fromCsv.map(keys), shown);
      assert.deepEqual(fromJson.map(keys), shown);
      assert.deepEqual(fromCsv.map((row) => row.version), rows.map((row) => row.cells.Version));
      assert.deepEqual(fromJson.map((row) => row.infs[0].provider), rows.map((row) => row.cells.Provider));
    });
  }
});

test("file of all packages holds more than the page", async () => {
  await visitor.goto("/packages");
  const all = page.locator("nav.pages p").getByRole("link", { name: "JSON" }).last();
  const list = JSON.parse((await save(page, all)).bytes.toString());
  const jobs = await site.json("jobs");
  assert.deepEqual(list.map((job) => job.id), jobs.map((job) => job.id));
});

test("nothing was refused or failed in the browser", () => assert.deepEqual(visitor.faults, []));

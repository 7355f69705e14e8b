// The pages without JavaScript: everything but the live update works.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { driver } from "../harness/driver.js";
import { save, shownRows } from "../harness/table.js";

/** Adds the tests. */
export function plain(seeded) {
  let visitor;
  let page;

  before(async () => {
    visitor = await seeded.visitor({ javaScriptEnabled: false });
    page = visitor.page;
  });

  after(() => visitor?.close());

  test("each page has its content", async (context) => {
    for (const { name, path, status = 200 } of seeded.pages) {
      await context.test(name, async () => {
        assert.equal(await visitor.goto(path, { mayFail: status !== 200 }), status);
        const content = await page.locator("main").innerText();
        assert.ok(content.length > 40, content);
      });
    }
  });

  test("overview offers to be loaded again, and then shows what is new", async () => {
    await visitor.goto("/");
    await seeded.site.drop("unknown-late.cab", driver({ version: "4.0.0.0" }));
    await seeded.site.job("unknown-late.cab", "rejected");
    await page.getByRole("link", { name: "Reload" }).click();
    await page.getByRole("region", { name: "Last results" }).getByText("unknown-late.cab").waitFor();
  });

  test("way from the overview to a downloaded file", async () => {
    await visitor.goto("/");
    await page.getByRole("navigation", { name: "Sections" }).getByRole("link", { name: "Packages" }).click();
    await page.locator("[name=q]").fill("audio-4.2.0");
    await page.getByRole("button", { name: "Show" }).click();
    assert.deepEqual((await shownRows(page)).map((row) => row.package), ["contoso-audio-4.2.0.cab"]);
    await page.getByRole("link", { name: "contoso-audio-4.2.0.cab" }).click();
    const { bytes } = await save(page, page.getByRole("link", { name: "signed.zip" }));
    const results = await seeded.site.results(seeded.jobs.get("contoso-audio-4.2.0.cab"));
    assert.ok(bytes.equals(results.get("signed.zip")));
  });

  test("details open", async () => {
    await visitor.goto(`/packages/${seeded.jobs.get("contoso-ethernet-9.1.0.cab").id}`);
    const details = page.locator("details").first();
    await details.locator("summary").click();
    assert.notEqual(await details.getAttribute("open"), null);
  });

  test("nothing was refused or failed in the browser", () => assert.deepEqual(visitor.faults, []));
}

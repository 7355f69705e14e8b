// Names that come from build servers: shown as text, never executed, and without effect on the rest of the page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { LOOKS, Visitor, openBrowser } from "./harness/browser.js";
import { driver } from "./harness/driver.js";
import { Site } from "./harness/site.js";

const MARKUP = `<img src=x onerror="isAttacked=1"><script>isAttacked=1</script>'"&amp;`;
const RTL = "\u202Egpj.exe\u2066 \u05D0\u05D1";

/** The name of the file without its extension, and facts of the driver. */
const PACKAGES = [
  ["<img src=x onerror=isAttacked=1>", {}],
  ["'\"><svg onload=isAttacked=1> &lt;b&gt;", {}],
  ["javascript:isAttacked=1", {}],
  ["a..%2f..%2fsecret", {}],
  ["=1+cmd", {}],
  [RTL, {}],
  ["x".repeat(200), {}],
  ["tab\tline\nescape\u001b[31mbell\u0007end", {}],
  ["provider", { provider: MARKUP, device: MARKUP }],
  ["provider-rtl", { provider: RTL, device: RTL }],
  ["provider-long", { provider: "y".repeat(200), device: "z".repeat(200) }],
  ["provider-controls", { provider: "a\u0001b\u001b[31mc", device: "a\u0001b" }],
  ["hardware-id", { hardwareIds: ["PCI\\VEN_<b>isAttacked</b>&DEV_1", `USB\\${"w".repeat(190)}`] }],
  ["inf-name", { inf: "<b onclick=isAttacked=1>x" }],
];

let browser;
let site;
let jobs;

before(async () => {
  [browser, site] = await Promise.all([openBrowser(), Site.start()]);
  for (const [index, [name, facts]] of PACKAGES.entries()) {
    await site.drop(`${name}.cab`, driver({ version: `1.0.0.${index}`, ...facts }));
  }
  jobs = await site.settled(PACKAGES.length);
});

after(async () => {
  await browser?.close();
  await site?.close();
});

/** What a page may contain of each kind, and whether anything ran. */
const inspect = (page) =>
  page.evaluate(() => ({
    isAttacked: "isAttacked" in globalThis,
    foreign: document.querySelectorAll("main img, main script, main b, main iframe, main [onerror], main [onload], main [onclick]").length,
    links: [...document.querySelectorAll("a[href]")].map((link) => new URL(link.href).protocol),
    controls: /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(document.documentElement.textContent),
    beyond: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));

for (const { name: look, ...options } of LOOKS.filter(({ name }) => name.endsWith("light"))) {
  test(`hostile names are text in look ${look}`, async (context) => {
    const visitor = await Visitor.open(browser, site, options);
    const { page } = visitor;
    const paths = ["/", "/packages", "/packages?q=onerror", "/labels", "/rules", "/charts", ...jobs.map((job) => `/packages/${job.id}`)];
    for (const path of paths) {
      await context.test(path, async () => {
        assert.equal(await visitor.goto(path), 200);
        const { links, ...rest } = await inspect(page);
        assert.deepEqual(rest, { isAttacked: false, foreign: 0, controls: false, beyond: 0 });
        assert.deepEqual(links.filter((protocol) => !["http:", "https:"].includes(protocol)), []);
        assert.deepEqual(visitor.faults.splice(0), []);
      });
    }
    await visitor.close();
  });
}

test("names with markup and right-to-left marks are shown whole, apart from the text around them", async () => {
  const visitor = await Visitor.open(browser, site);
  for (const job of jobs.filter(({ package: name }) => !/[\u0000-\u001f]/.test(name))) {
    await visitor.goto(`/packages/${job.id}`);
    const heading = visitor.page.locator("h1");
    const isolated = heading.locator("bdi");
    assert.equal(await isolated.count(), 1, "the name is isolated");
    const shown = await isolated.textContent();
    assert.equal(shown.replaceAll(/\\u\{202e\}|\\u\{2066\}/g, ""), job.package.replaceAll(/[\u202e\u2066]/g, ""), job.package);
  }
  await visitor.close();
});

test("search for markup shows it in the form and nowhere else", async () => {
  const visitor = await Visitor.open(browser, site);
  for (const value of [MARKUP, RTL, "x".repeat(200), "%00", "${7*7}{{7*7}}"]) {
    for (const parameter of ["q", "package"]) {
      const query = new URLSearchParams({ [parameter]: value });
      const status = await visitor.goto(`/packages?${query}`, { mayFail: true });
      assert.ok([200, 400].includes(status), `${status} for ${value}`);
      const { isAttacked, foreign, beyond } = await inspect(visitor.page);
      assert.deepEqual({ isAttacked, foreign, beyond }, { isAttacked: false, foreign: 0, beyond: 0 });
      if (status === 200) assert.equal(await visitor.page.locator(`[name=${parameter}]`).inputValue(), value);
    }
  }
  await visitor.close();
});

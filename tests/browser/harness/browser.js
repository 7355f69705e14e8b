// A real browser, and pages that note everything that must not happen.

import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

/** The longest wait for an element in milliseconds. */
const ACTION_LIMIT = 20_000;

/** The looks in which each page is checked. */
export const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1024, height: 768 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1024, height: 768 } },
  { name: "phone-light", colorScheme: "light", viewport: { width: 390, height: 844 } },
  { name: "phone-dark", colorScheme: "dark", viewport: { width: 390, height: 844 } },
];

/** Starts the browser. Its sandbox needs a user other than root. */
export function openBrowser() {
  if (!CHROMIUM) throw new Error("no Chromium: `.ci/browser` installs it");
  const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** A page of a browser. */
export class Visitor {
  /** Opens a page; `options` are those of a browser context. */
  static async open(browser, site, options = {}) {
    const context = await browser.newContext({ reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(ACTION_LIMIT);
    const visitor = new Visitor(context, await context.newPage(), site);
    await visitor.#watch();
    return visitor;
  }

  constructor(context, page, site) {
    this.context = context;
    this.page = page;
    this.site = site;
    /** What the pages did that they must not do. */
    this.faults = [];
  }

  async #watch() {
    const note = (fault) => this.faults.push(`${this.page.url()}: ${fault}`);
    this.context.on("request", (request) => {
      if (new URL(request.url()).origin !== this.site.url) note(`request to ${request.url()}`);
    });
    this.page.on("response", (answer) => {
      if (answer.status() >= 500) note(`${answer.status()} for ${answer.url()}`);
    });
    // Violations of the content security policy are errors on the console.
    this.page.on("console", (message) => {
      const expected = this.mayFail && message.text().startsWith("Failed to load resource");
      if (["error", "warning"].includes(message.type()) && !expected) note(`console: ${message.text()}`);
    });
    this.page.on("pageerror", (error) => note(`script error: ${error.message}`));
    this.page.on("dialog", (dialog) => {
      note(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    this.page.on("popup", () => note("a window opened"));
  }

  /** Loads a page and returns its status. */
  async goto(path, { mayFail = false } = {}) {
    this.mayFail = mayFail;
    const answer = await this.page.goto(this.site.url + path, { waitUntil: "load" });
    return answer.status();
  }

  /** Path and parameters of the page. */
  get address() {
    const url = new URL(this.page.url());
    return url.pathname + url.search;
  }

  close() {
    return this.context.close();
  }
}

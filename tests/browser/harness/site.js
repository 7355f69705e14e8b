// A daemon with pages, its folders and a sandbox. The sandbox keeps running when the daemon is started again.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { configuration } from "./configuration.js";
import { freePort } from "./ports.js";
import { end, start } from "./process.js";
import { until } from "./wait.js";

/** The program under test. */
export const DROPSHIP = process.env.DROPSHIP ?? new URL("../../../target/debug/dropship", import.meta.url).pathname;

/** The program that fills a store with earlier jobs: the bench `web`. */
const FILL = process.env.DROPSHIP_FILL;

/** The weeks in which the earlier jobs arrived. */
const HISTORY_WEEKS = 16;

/** The drop folders of the configuration. */
const FOLDERS = ["audio", "network", "firmware"];

const run = promisify(execFile);

/** Maximum length of a log in an error, in characters. */
const MAX_LOG = 4000;

/** States in which a job stays until an operator acts. */
const AT_REST = new Set(["held", "succeeded", "failed", "rejected", "cancelled"]);

export class Site {
  /** A running daemon. `sandbox` are arguments of the sandbox, `history` is the number of earlier jobs in its store. */
  static async start({ sandbox = ["--speed", "3600"], history = 0 } = {}) {
    const home = await mkdtemp(join(tmpdir(), "dropship-browser-"));
    const site = new Site(home);
    await site.#startSandbox(sandbox);
    site.port = await freePort();
    const text = configuration({ base: site.sandboxUrl, port: site.port });
    await writeFile(site.path("dropship.toml"), text);
    await writeFile(site.path("secret"), "secret", { mode: 0o600 });
    for (const folder of FOLDERS) await mkdir(site.path(folder));
    await site.startDaemon();
    if (history > 0) {
      // The daemon creates the store: it records the account that the store belongs to.
      await site.stopDaemon();
      await run(FILL, ["fill", site.path("dropship.toml"), String(history), String(HISTORY_WEEKS)]);
      await site.startDaemon();
    }
    return site;
  }

  constructor(home) {
    this.home = home;
  }

  /** Address of the pages. */
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  path(...parts) {
    return join(this.home, ...parts);
  }

  async #startSandbox(args) {
    const log = this.path("sandbox.log");
    this.sandbox = start(DROPSHIP, ["sandbox", ...args], { log, listens: true });
    for await (const line of createInterface({ input: this.sandbox.stdout })) {
      this.sandboxUrl = line.match(/http:\/\/[^\s",]+/)?.[0].replace(/[/.]+$/, "");
      if (this.sandboxUrl) break;
    }
    if (!this.sandboxUrl) throw new Error(`the sandbox printed no address: ${await readFile(log, "utf8")}`);
    this.sandbox.stdout.resume();
  }

  async startDaemon() {
    const args = ["--config", this.path("dropship.toml"), "run", "--log-level", "debug"];
    this.daemon = start(DROPSHIP, args, { log: this.path("daemon.log") });
    const answers = async () => {
      if (this.daemon.exitCode !== null) throw new Error(`the daemon ended\n${await this.log()}`);
      return (await fetch(this.url).catch(() => null))?.ok;
    };
    await until("the pages", answers, () => this.log());
  }

  /** Ends the daemon as systemd does. */
  async stopDaemon() {
    const code = await end(this.daemon);
    if (code !== 0) throw new Error(`the daemon exited with ${code}\n${await this.log()}`);
  }

  async close() {
    await end(this.daemon, "SIGKILL");
    await end(this.sandbox, "SIGKILL");
    await rm(this.home, { recursive: true, force: true });
  }

  /** The end of the daemon's log. */
  async log() {
    return (await readFile(this.path("daemon.log"), "utf8")).slice(-MAX_LOG);
  }

  /** Drops a package as a careful build server does: under an excluded name first. */
  async drop(name, bytes, folder = "audio") {
    const staged = this.path(folder, `.${Buffer.from(name).toString("hex").slice(0, 60)}.part`);
    await writeFile(staged, bytes);
    await rename(staged, this.path(folder, name));
  }

  /** Runs a command and returns its JSON. */
  json(...args) {
    return new Promise((resolve, reject) => {
      const all = ["--config", this.path("dropship.toml"), "--json", ...args];
      execFile(DROPSHIP, all, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        try {
          resolve(JSON.parse(stdout));
        } catch {
          reject(error ?? new Error(`${args.join(" ")} printed no JSON: ${stdout}${stderr}`));
        }
      });
    });
  }

  /** Waits until there are this many jobs, all of them at rest; returns them, newest first. */
  async settled(count) {
    const rested = async () => {
      const jobs = await this.json("jobs");
      return jobs.length >= count && jobs.every((job) => AT_REST.has(job.state)) ? jobs : null;
    };
    const explain = async () => `${JSON.stringify((await this.json("jobs")).map((job) => [job.package, job.state]))}\n${await this.log()}`;
    return until(`${count} jobs at rest`, rested, explain);
  }

  /** Waits until a package has a job in one of these states; returns the job. */
  async job(name, ...states) {
    const found = async () => {
      const jobs = await this.json("jobs", "--since", "1h");
      return jobs.find((job) => job.package === name && (states.length === 0 || states.includes(job.state)));
    };
    return until(`a job of ${name} (${states.join(", ")})`, found, () => this.log());
  }

  /** Calls a control of the sandbox. */
  async control(method, path, body) {
    const answer = await fetch(`${this.sandboxUrl}/__sandbox/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json().catch(() => null);
  }

  /** The folder of a job in the outbox, with the content of each file. */
  async results(job) {
    const folder = (await this.json("show", job.id)).outbox;
    const names = await readdir(folder);
    const contents = await Promise.all(names.map((name) => readFile(join(folder, name))));
    return new Map(names.map((name, index) => [name, contents[index]]));
  }
}

// A site with a package of each kind and the jobs of some weeks: what the pages look like on a usual day.

import { Visitor, openBrowser } from "./browser.js";
import { driver } from "./driver.js";
import { Site } from "./site.js";
import { until } from "./wait.js";

const AUDIO = { inf: "contoso-audio", driverClass: "MEDIA", device: "Contoso Audio Controller", hardwareIds: models(0x1000, 12) };
const NETWORK = { inf: "contoso-ethernet", driverClass: "Net", device: "Contoso Ethernet", hardwareIds: models(0x2000, 40) };
const FIRMWARE = { inf: "contoso-dock", device: "Contoso Dock", hardwareIds: models(0x3000, 2) };

/** Hardware ids of a driver with this many models. */
function models(first, count) {
  return Array.from({ length: count }, (_, index) => {
    const device = (first + index).toString(16).toUpperCase().padStart(4, "0");
    return `PCI\\VEN_8086&DEV_${device}&SUBSYS_00011028`;
  });
}

/** Starts a site. Time at Microsoft passes only as far as a package is brought. */
function start() {
  return Site.start({ sandbox: ["--speed", "1"], history: 300 });
}

/** What tests of all pages share; it is there once `open` has returned. */
export class Seeded {
  async open() {
    [this.browser, this.site] = await Promise.all([openBrowser(), start()]);
    /** The pages, each with a name, and the jobs by the name of their package. */
    const { pages, jobs } = await seed(this.site);
    Object.assign(this, { pages, jobs });
  }

  async close() {
    await this.browser?.close();
    await this.site?.close();
  }

  /** A page of the browser; `options` are those of its context. */
  visitor(options) {
    return Visitor.open(this.browser, this.site, options);
  }
}

/** Fills a site; returns its pages and the jobs by name. */
async function seed(site) {
  const drop = (name, facts, version, folder) => site.drop(`${name}-${version}.cab`, driver({ ...facts, version: `${version}.0` }), folder);
  await drop("contoso-audio", AUDIO, "4.1.0");
  await drop("contoso-audio", AUDIO, "4.2.0");
  await drop("contoso-ethernet", NETWORK, "9.0.1", "network");
  await drop("contoso-dock", FIRMWARE, "1.4.0", "firmware");
  await drop("unknown-vendor", { provider: "Fabrikam" }, "1.0.0");
  const [{ id: ethernet }] = await bring(site, {
    "contoso-ethernet-9.0.1.cab": isHeld,
    "contoso-audio-4.1.0.cab": hasSucceeded,
    "contoso-audio-4.2.0.cab": hasSucceeded,
    "contoso-dock-1.4.0.cab": (job) => job.labels[0]?.status === "published",
  });
  await site.json("approve", ethernet, "--note", "tested on the pilot machines");
  await drop("contoso-ethernet", NETWORK, "9.1.0", "network");
  await bring(site, { "contoso-ethernet-9.0.1.cab": hasSucceeded, "contoso-ethernet-9.1.0.cab": isHeld });

  await site.control("POST", "faults", { operation: "create_product", action: { kind: "status", status: 400 } });
  await drop("contoso-audio", AUDIO, "4.3.0");
  await site.job("contoso-audio-4.3.0.cab", "failed");
  await site.control("DELETE", "faults");
  await drop("contoso-audio", AUDIO, "4.3.1");
  await bring(site, { "contoso-audio-4.3.1.cab": (job) => job.step === "publish" });
  await drop("contoso-audio", AUDIO, "4.4.0");
  await site.job("contoso-audio-4.4.0.cab", "waiting");
  const jobs = new Map((await site.json("jobs")).map((job) => [job.package, job]));
  return { pages: pages((name) => `/packages/${jobs.get(name).id}`, jobs), jobs };
}

const isHeld = (job) => job.state === "held";
const hasSucceeded = (job) => job.state === "succeeded";

/** Lets time pass at Microsoft until each package has reached its point; returns the jobs in the order of the packages. */
async function bring(site, points) {
  const arrived = async () => {
    const all = await site.json("jobs", "--since", "1h");
    const jobs = Object.keys(points).map((name) => all.find((job) => job.package === name));
    if (jobs.every((job) => job && points[job.package](job))) return jobs;
    await site.control("POST", "clock", { ripen_seconds: 900 });
    return null;
  };
  return until(Object.keys(points).join(", "), arrived, () => site.log());
}

function pages(of, jobs) {
  const earlier = [...jobs.values()].findLast((job) => job.state === "succeeded");
  const device = encodeURIComponent(models(0x1000, 1)[0]);
  return [
    { name: "overview", path: "/", section: "Overview" },
    { name: "packages", path: "/packages", section: "Packages" },
    { name: "packages-filtered", path: "/packages?state=succeeded&q=audio", section: "Packages" },
    { name: "packages-none", path: "/packages?q=nothing-of-this-name", section: "Packages" },
    { name: "package-succeeded", path: of("contoso-audio-4.2.0.cab"), section: "Packages" },
    { name: "package-waiting", path: of("contoso-dock-1.4.0.cab"), section: "Packages" },
    { name: "package-held", path: of("contoso-ethernet-9.1.0.cab"), section: "Packages" },
    { name: "package-failed", path: of("contoso-audio-4.3.0.cab"), section: "Packages" },
    { name: "package-rejected", path: of("unknown-vendor-1.0.0.cab"), section: "Packages" },
    { name: "package-earlier", path: `/packages/${earlier.id}`, section: "Packages" },
    { name: "labels", path: "/labels", section: "Labels" },
    { name: "who", path: "/who", section: "Who gets what" },
    { name: "who-found", path: `/who?hardware_id=${device}`, section: "Who gets what" },
    { name: "who-none", path: "/who?hardware_id=PCI%5CVEN_FFFF", section: "Who gets what" },
    { name: "rules", path: "/rules", section: "Rules" },
    { name: "charts", path: "/charts", section: "Charts" },
    { name: "not-found", path: "/nothing", status: 404 },
    { name: "bad-request", path: "/packages?page=minus-one", status: 400 },
  ];
}

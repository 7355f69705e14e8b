// Makes driver packages. They are not signed: the daemon under test accepts that.

import { cabinet } from "./cabinet.js";

/** The identifier of each class that the tests use. */
const CLASSES = {
  MEDIA: "{4d36e96c-e325-11ce-bfc1-08002be10318}",
  Net: "{4d36e972-e325-11ce-bfc1-08002be10318}",
  System: "{4d36e97d-e325-11ce-bfc1-08002be10318}",
};

/** The facts of a driver; each package made of other facts has other bytes. */
const DEFAULTS = {
  inf: "echo",
  provider: "Contoso",
  version: "1.0.0.0",
  date: "06/21/2025",
  device: "Contoso Echo",
  driverClass: "System",
  hardwareIds: ["PCI\\VEN_8086&DEV_1234&SUBSYS_00011028"],
};

/** A driver package as a cabinet. */
export function driver(facts = {}) {
  const all = { ...DEFAULTS, ...facts };
  const path = `Driver\\${all.inf}`;
  return cabinet({
    [`${path}.inf`]: utf16(inf(all)),
    [`${path}.sys`]: image(),
    [`${path}.pdb`]: Buffer.from("symbols"),
    [`${path}.cat`]: Buffer.from("catalog"),
  });
}

function inf(facts) {
  const models = facts.hardwareIds.map((id) => `%Device%=Install,${id}`);
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  return [
    "[Version]",
    'Signature="$WINDOWS NT$"',
    `Class=${facts.driverClass}`,
    `ClassGuid=${CLASSES[facts.driverClass]}`,
    "Provider=%Provider%",
    `CatalogFile=${facts.inf}.cat`,
    `DriverVer=${facts.date},${facts.version}`,
    "PnpLockdown=1",
    "[Manufacturer]",
    "%Provider%=Models,NTamd64.10.0...19041",
    "[Models.NTamd64.10.0...19041]",
    ...models,
    "[Install.NT]",
    "[Strings]",
    `Provider=${quoted(facts.provider)}`,
    `Device=${quoted(facts.device)}`,
    "",
  ].join("\r\n");
}

function utf16(text) {
  return Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);
}

/** The least that is recognised as an image for 64-bit processors. */
function image() {
  const bytes = Buffer.alloc(0x46);
  bytes.write("MZ", 0, "latin1");
  bytes.writeUInt32LE(0x40, 0x3c);
  bytes.write("PE", 0x40, "latin1");
  bytes.writeUInt16LE(0x8664, 0x44);
  return bytes;
}

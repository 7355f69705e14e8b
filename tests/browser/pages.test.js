// All pages of one site: in each look, without JavaScript, and with the keyboard alone.

import { after, before, describe } from "node:test";

import { Seeded } from "./harness/seeded.js";
import { images } from "./pages/images.js";
import { keyboard } from "./pages/keyboard.js";
import { looks } from "./pages/looks.js";
import { plain } from "./pages/plain.js";

const seeded = new Seeded();

before(() => seeded.open());
after(() => seeded.close());

if (process.env.IMAGES) describe("pictures", () => images(seeded, process.env.IMAGES));
describe("each look", () => looks(seeded));
describe("keyboard", () => keyboard(seeded));
// The last: it adds a package.
describe("without JavaScript", () => plain(seeded));

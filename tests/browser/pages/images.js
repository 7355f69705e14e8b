// The pictures of the README: `.ci/browser --images` takes them again.

import { mkdir } from "node:fs/promises";
import { test } from "node:test";

/** The pages, and the height of their pictures. */
const IMAGES = [
  { name: "overview", height: 820 },
  { name: "labels", height: 820 },
  { name: "package-earlier", height: 620 },
];

/** Takes the pictures into a folder. */
export function images(seeded, folder) {
  test("pictures of the README", async () => {
    await mkdir(folder, { recursive: true });
    for (const { name, height } of IMAGES) {
      const visitor = await seeded.visitor({ colorScheme: "light", viewport: { width: 1024, height } });
      await visitor.goto(seeded.pages.find((one) => one.name === name).path);
      // The first update replaces what was loaded.
      if (name === "overview") await visitor.page.getByText("Updated live").waitFor();
      await visitor.page.evaluate(rename, [seeded.site.home, "/srv"]);
      await visitor.page.screenshot({ path: `${folder}/${name}.png` });
      await visitor.close();
    }
  });
}

/** Replaces a text in a document: the temporary folder of the test. */
function rename([from, to]) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replaceAll(from, to);
}

// Reads the table of packages, and files of it.

/** The rows of the table as lists of texts, and the job ids. */
export function shownRows(page) {
  return page.locator("main table tbody tr").evaluateAll((rows) =>
    rows.map((row) => ({
      id: row.querySelector("a").getAttribute("href").split("/").pop(),
      package: row.querySelector("a").textContent,
      cells: Object.fromEntries([...row.querySelectorAll("td")].map((cell) => [cell.dataset.label, cell.innerText.trim()])),
    })),
  );
}

/** Parses comma-separated values with a line of heads (RFC 4180). */
export function parseCsv(text) {
  const lines = [[]];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted && char === '"' && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (char === '"') quoted = !quoted;
    else if (quoted) cell += char;
    else if (char === ",") {
      lines.at(-1).push(cell);
      cell = "";
    } else if (char === "\n") {
      lines.at(-1).push(cell.replace(/\r$/, ""));
      lines.push([]);
      cell = "";
    } else cell += char;
  }
  const [heads, ...rows] = lines.filter((line) => line.length > 0);
  return rows.map((row) => Object.fromEntries(heads.map((head, index) => [head, row[index]])));
}

/** Clicks a link that saves a file, and returns the file's name and text. */
export async function save(page, link) {
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk);
  return { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) };
}

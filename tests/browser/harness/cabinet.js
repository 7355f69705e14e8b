// Writes cabinets without compression, as the tests need no more.

const HEADER = 36;
const FOLDER = 8;
const BLOCK = 8;
const MAX_BLOCK = 0x8000;
const NAME_IS_UTF8 = 0x80;
const ARCHIVE = 0x20;

/** A cabinet with these files: a map of paths to contents. */
export function cabinet(files) {
  const entries = [];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(content.length, 0);
    head.writeUInt32LE(offset, 4);
    head.writeUInt16LE(ARCHIVE | NAME_IS_UTF8, 14);
    entries.push(head, Buffer.from(path + "\0"));
    offset += content.length;
  }
  const blocks = dataBlocks(Buffer.concat(Object.values(files)));
  const names = Buffer.concat(entries);
  const data = Buffer.concat(blocks);
  const dataAt = HEADER + FOLDER + names.length;

  const header = Buffer.alloc(HEADER);
  header.write("MSCF", 0, "latin1");
  header.writeUInt32LE(dataAt + data.length, 8);
  header.writeUInt32LE(HEADER + FOLDER, 16);
  header.writeUInt16LE(0x0103, 24);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(Object.keys(files).length, 28);
  const folder = Buffer.alloc(FOLDER);
  folder.writeUInt32LE(dataAt, 0);
  folder.writeUInt16LE(blocks.length, 4);
  return Buffer.concat([header, folder, names, data]);
}

/** The data in blocks, without checksums, which are optional. */
function dataBlocks(data) {
  const blocks = [];
  for (let at = 0; at < data.length; at += MAX_BLOCK) {
    const part = data.subarray(at, at + MAX_BLOCK);
    const head = Buffer.alloc(BLOCK);
    head.writeUInt16LE(part.length, 4);
    head.writeUInt16LE(part.length, 6);
    blocks.push(Buffer.concat([head, part]));
  }
  return blocks;
}

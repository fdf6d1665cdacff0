/* A folder, or several files, as one zip that the browser packs itself: nothing is compressed, and no file is held in
   memory but for a piece at a time. The same files give the same bytes, so that an upload of them can be gone on with. */
const MOST_FILES = 65_535;
const MOST_BYTES = 2 ** 32 - 2 ** 26; // beyond both a zip needs other headers
const UTF8_NAMES = 0x0800;
const FIRST_DAY = 0x0021; // 1980-01-01, as zip counts
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export class TooMuch extends Error {}

/* found: [{path, file}]; tell(done, all) hears how far it is. A File called `name`. Throws TooMuch. */
export async function zipped(found, name, tell, signal) {
  const entries = [...found].sort((one, other) => (one.path < other.path ? -1 : 1));
  const bytes = entries.reduce((sum, { file }) => sum + file.size, 0);
  if (entries.length > MOST_FILES || bytes > MOST_BYTES) throw new TooMuch();
  const parts = [];
  const list = [];
  let offset = 0;
  for (const [done, { path, file }] of entries.entries()) {
    tell(done, entries.length);
    const label = new TextEncoder().encode(path);
    const facts = fields(await checksum(file, signal), file.size, label.length);
    const head = [new Uint8Array([0x50, 0x4b, 3, 4]), facts, label];
    list.push(listed(facts, offset), label);
    parts.push(...head, file);
    offset += 30 + label.length + file.size;
  }
  const listBytes = list.reduce((sum, part) => sum + part.length, 0);
  parts.push(...list, end(entries.length, listBytes, offset));
  const newest = entries.reduce((time, { file }) => Math.max(time, file.lastModified), 0);
  return new File(parts, name, { type: "application/zip", lastModified: newest });
}

/* What was dropped: the files of folders too. [{path, file}], or [] when it is nothing that lies on a disk. */
export async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() })); // gone after the first await
  const found = [];
  for (const { entry, file } of entries) {
    if (entry?.isDirectory) await walk(entry, found);
    else if (file) found.push({ path: file.name, file });
  }
  return found;
}

async function walk(folder, found) {
  const reader = folder.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most 100 at once
    if (!some.length) return;
    for (const entry of some) {
      if (entry.isDirectory) await walk(entry, found);
      else found.push({ path: entry.fullPath.slice(1), file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    }
  }
}

async function checksum(file, signal) {
  let crc = 0xffffffff;
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (signal?.aborted) throw signal.reason;
    if (done) return ~crc >>> 0;
    for (let place = 0; place < value.length; place++) crc = TABLE[(crc ^ value[place]) & 255] ^ (crc >>> 8);
  }
}

/* What both headers of a file have in common: from the version that is needed to the length of the name. */
function fields(crc, bytes, nameLength) {
  const view = new DataView(new ArrayBuffer(26));
  view.setUint16(0, 20, true);
  view.setUint16(2, UTF8_NAMES, true);
  view.setUint16(8, FIRST_DAY, true);
  view.setUint32(10, crc, true);
  view.setUint32(14, bytes, true);
  view.setUint32(18, bytes, true);
  view.setUint16(22, nameLength, true);
  return new Uint8Array(view.buffer);
}

function listed(facts, offset) {
  const header = new Uint8Array(46);
  header.set([0x50, 0x4b, 1, 2, 20, 0]);
  header.set(facts, 6);
  new DataView(header.buffer).setUint32(42, offset, true);
  return header;
}

function end(count, listBytes, offset) {
  const view = new DataView(new ArrayBuffer(22));
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, count, true);
  view.setUint16(10, count, true);
  view.setUint32(12, listBytes, true);
  view.setUint32(16, offset, true);
  return new Uint8Array(view.buffer);
}

// Packs, indexes and contents of docs/format.md, §8 to §10. Follows the document and shares no code with the engine.

import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Returns the function that gives the files of a tree, as users see them, out of these packs. */
export function openObjects(read, packs) {
  // §9: where each object is. Only live packs count.
  const places = new Map();
  for (const id of packs) {
    const pack = `packs/${id.slice(-2)}/${id}`;
    const index = read(`${pack}.index`);
    const sum = createHash('sha256')
      .update(index.subarray(0, 32))
      .update(index.subarray(64))
      .digest();
    if (index.toString('latin1', 0, 8) !== 'pfsindex' || !sum.equals(index.subarray(32, 64))) {
      throw new Error(`${pack}.index is damaged`);
    }
    const [idBytes, count] = [index.readUInt32BE(12), index.readUInt32BE(16)];
    const recordBytes = index.readUInt32BE(8) === 1 ? 24 : 28;
    for (let i = 0; i < count; i++) {
      const record = 64 + count * idBytes + i * recordBytes;
      const [kind, offset, length] = [0, 4, 8].map((at) => index.readUInt32BE(record + at));
      places.set(index.toString('hex', 64 + i * idBytes, 64 + (i + 1) * idBytes), {
        pack,
        kind,
        offset,
        length,
      });
    }
  }

  function entryOf(id) {
    const place = places.get(id);
    if (!place) {
      throw new Error(`object ${id} is in no live pack`);
    }
    return read(place.pack).subarray(place.offset, place.offset + place.length);
  }

  /** §8: an entry of Git's packfile. */
  function gitObject(id) {
    const entry = entryOf(id);
    const type = (entry[0] >> 4) & 7;
    let at = 0;
    while (entry[at++] & 0x80) {
      // The size is not needed: the stream knows its end.
    }
    if (type !== 7) {
      const content = inflateSync(entry.subarray(at));
      const kind = [undefined, 'commit', 'tree', 'blob', 'tag'][type];
      return checked(id, kind, content);
    }
    const base = gitObject(entry.toString('hex', at, at + 20));
    return checked(id, base.kind, applyDelta(base.content, inflateSync(entry.subarray(at + 20))));
  }

  function checked(id, kind, content) {
    const name = createHash('sha1')
      .update(`${kind} ${content.length}\0`)
      .update(content)
      .digest('hex');
    if (name !== id) {
      throw new Error(`object ${id} is damaged`);
    }
    return { kind, content };
  }

  /** Git's pack format, "deltified representation". */
  function applyDelta(base, delta) {
    let at = 0;
    const size = () => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        value += (delta[at] & 0x7f) * 2 ** shift;
        if (!(delta[at++] & 0x80)) {
          return value;
        }
      }
    };
    size();
    size();
    const parts = [];
    while (at < delta.length) {
      const code = delta[at++];
      if (code & 0x80) {
        const number = (bits) =>
          bits.reduce((sum, bit, i) => sum + (code & (1 << bit) ? delta[at++] * 256 ** i : 0), 0);
        const start = number([0, 1, 2, 3]);
        parts.push(base.subarray(start, start + (number([4, 5, 6]) || 0x10000)));
      } else {
        parts.push(delta.subarray(at, at + code));
        at += code;
      }
    }
    return Buffer.concat(parts);
  }

  /** §8: a chunk, or the chunks of a list. */
  function largeFile(id) {
    const entry = entryOf(id);
    const payload = entry.subarray(40);
    if (entry.readUInt32BE(0) === 16) {
      return payload;
    }
    const chunks = [];
    for (let i = 0; i < payload.readUInt32BE(12); i++) {
      const at = 24 + i * 36;
      chunks.push(largeFile(payload.toString('hex', at, at + 32)));
    }
    return Buffer.concat(chunks);
  }

  const POINTER =
    /^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n$/;
  const OURS = '# pfs: made for clones; not a file of this repo\n';

  /** §10: the files of a tree, as users see them. */
  function filesOf(tree, path = '', files = {}) {
    const { content } = gitObject(tree);
    for (let at = 0; at < content.length; ) {
      const space = content.indexOf(' ', at);
      const end = content.indexOf(0, space);
      const [fileMode, name] = [
        content.toString('latin1', at, space),
        content.toString('utf8', space + 1, end),
      ];
      const id = content.toString('hex', end + 1, end + 21);
      at = end + 21;
      if (fileMode === '40000') {
        filesOf(id, `${path}${name}/`, files);
        continue;
      }
      const blob = gitObject(id).content;
      if (name === '.gitattributes' && blob.toString('latin1').startsWith(OURS)) {
        continue;
      }
      const pointer = blob.length < 1024 ? POINTER.exec(blob.toString('latin1'))?.[1] : undefined;
      const bytes = pointer ? largeFile(pointer) : blob;
      if (pointer && sha256(bytes) !== pointer) {
        throw new Error(`large file ${pointer} is damaged`);
      }
      files[path + name] = `${fileMode} ${bytes.length} ${sha256(bytes)}`;
    }
    return files;
  }

  return filesOf;
}

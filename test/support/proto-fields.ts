// Reads messages of Protocol Buffers without their schema, by the numbers of their fields.

/** The fields of one message. */
export class ProtoFields {
  readonly #fields: ReadonlyMap<number, readonly (bigint | Buffer)[]>;

  constructor(fields: ReadonlyMap<number, readonly (bigint | Buffer)[]>) {
    this.#fields = fields;
  }

  has(field: number): boolean {
    return this.#fields.has(field);
  }

  /** Returns a text or bytes; empty where there are none. */
  bytes(field: number): Buffer {
    const value = this.#fields.get(field)?.[0];
    return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
  }

  /** Returns a number; 0 where there is none. */
  number(field: number): number {
    const value = this.#fields.get(field)?.[0];
    return typeof value === 'bigint' ? Number(value) : 0;
  }

  messages(field: number): readonly ProtoFields[] {
    const values = this.#fields.get(field) ?? [];
    return values.filter((value) => Buffer.isBuffer(value)).map((value) => fieldsOf(value));
  }
}

/** Reads a message. */
export function fieldsOf(message: Buffer): ProtoFields {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
  };
  const take = (length: number) => {
    at += length;
    return message.subarray(at - length, at);
  };
  const readers: Record<number, () => bigint | Buffer> = {
    0: varint,
    1: () => take(8).readBigUInt64LE(),
    2: () => take(Number(varint())),
    5: () => BigInt(take(4).readUInt32LE()),
  };
  while (at < message.length) {
    const tag = Number(varint());
    const read = readers[tag & 7];
    if (read === undefined) {
      throw new Error(`a field of type ${tag & 7}`);
    }
    fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), read()]);
  }
  return new ProtoFields(fields);
}

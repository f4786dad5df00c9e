// Encryption of what must not be read in the store: AES-256-GCM, bound to what it belongs to, so that no sealed value can be
// moved under another name or version.

import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { EngineError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { SealedRecord } from '../journal/secret-records.ts';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_DIGITS = 16;

/** Returns the name of a key, which tells nothing of it. */
export function keyIdOf(key: Buffer): string {
  return createHash('sha256')
    .update('pfs secret key')
    .update(key)
    .digest('hex')
    .slice(0, ID_DIGITS);
}

/** Encrypts bytes; only who gives the same `boundTo` opens them. */
export function seal(
  plain: Buffer,
  options: { readonly key: Buffer; readonly boundTo: string; readonly random: Random },
): SealedRecord {
  const { key, boundTo, random } = options;
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(boundTo));
  const bytes = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return {
    keyId: keyIdOf(key),
    nonce: nonce.toString('base64'),
    bytes: bytes.toString('base64'),
  };
}

/** Decrypts what {@link seal} made; `corrupt` where it was changed, belongs elsewhere, or has another key. */
export function unseal(
  sealed: SealedRecord,
  options: { readonly key: Buffer; readonly boundTo: string },
): Buffer {
  const bytes = Buffer.from(sealed.bytes, 'base64');
  const end = bytes.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      options.key,
      Buffer.from(sealed.nonce, 'base64'),
      { authTagLength: TAG_BYTES },
    );
    decipher.setAAD(Buffer.from(options.boundTo));
    decipher.setAuthTag(bytes.subarray(end));
    return Buffer.concat([decipher.update(bytes.subarray(0, end)), decipher.final()]);
  } catch (error) {
    throw damaged(error);
  }
}

function damaged(cause: unknown): EngineError {
  return new EngineError('corrupt', 'its encrypted values are damaged', { cause });
}

// The key of a write, by which an engine knows it when it comes again.

/** Returns a key under which a write may be tried again. */
export function newKey(): string {
  // Without `randomUUID`, which browsers keep from pages that came without TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

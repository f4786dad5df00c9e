// What the state holds of a secret. Values are there encrypted only: the key is in the home of an engine, never in the store.

/** Encrypted bytes, and which key opens them. */
export interface SealedRecord {
  /** Names the key without telling anything of it. */
  readonly keyId: string;
  /** Base64. Never used twice with one key. */
  readonly nonce: string;
  /** Base64: AES-256-GCM, the tag of 16 bytes at the end. */
  readonly bytes: string;
}

/** One version of a secret: only the newest is in the state. */
export interface SecretRecord {
  readonly name: string;
  /** Never reused, unlike the name. */
  readonly id: string;
  /** Counts from 1; provenance names it. */
  readonly version: number;
  /** As Kubernetes names types: `Opaque`, `kubernetes.io/dockerconfigjson`, … */
  readonly type: string;
  readonly created: number;
  readonly updated: number;
  /** What values it has, by name, in order. */
  readonly keys: readonly string[];
  /** The JSON object of all values in base64, bound to name, id and version. */
  readonly sealed: SealedRecord;
}

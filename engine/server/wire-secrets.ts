// What travels about secrets. Values travel to the engine only, and the key only when it is asked for.
//
//  GET    /secrets?after=&limit=                              → Page<Secret>
//  POST   /secrets                     PutSecret              → Secret
//  POST   /secrets?update=true         PutSecret              → Secret, in its next version
//  GET    /secrets/{name}                                     → Secret
//  DELETE /secrets/{name}                                     → 204
//  POST   /secret-keys/export                                 → SecretKeys           (all keys of the engine's home)
//  POST   /secret-keys/import          SecretKeys             → SecretKeyIds

export interface PutSecret {
  /** May be left out where the document has it. */
  readonly name?: string;
  /** As Kubernetes has it, in JSON or YAML; `file` is its name for messages. */
  readonly document?: string;
  readonly file?: string;
  readonly type?: string;
  /** Values in base64, beside those of the document. */
  readonly values?: Readonly<Record<string, string>>;
}

export interface Secret {
  readonly name: string;
  readonly version: number;
  readonly type: string;
  readonly created: string;
  readonly updated: string;
  /** The names of its values. */
  readonly keys: readonly string[];
  /** Whether this engine has the key that opens it. */
  readonly readable: boolean;
  /** The key of this home that opens it is nowhere else. */
  readonly atRisk: boolean;
  /** `project/name` of the pipelines that use it. */
  readonly usedBy: readonly string[];
}

export interface SecretKeys {
  readonly text: string;
}

export interface SecretKeyIds {
  readonly ids: readonly string[];
  /** Secrets that can be read now. */
  readonly secrets: readonly string[];
}

// What travels about inputs that follow Git servers.
//
//  GET    /pipelines/{project}/{pipeline}/gits                → GitInput[]
//  POST   /pipelines/{project}/{pipeline}/gits/look           → GitInput[], once all servers were looked at
//  POST   /hooks/git/{hook}                                   → 202 (no token; whatever the body says, the server is looked at)

export interface GitInput {
  readonly input: string;
  /** `project/name`. */
  readonly repo: string;
  readonly url: string;
  /** Null: the one that the server shows first. */
  readonly branch: string | null;
  /** The last commit of the server that was taken. */
  readonly taken: string | null;
  /** When the engine that answers looked last, and will look next. */
  readonly looked: string | null;
  readonly next: string | null;
  /** Why that failed; empty where it did not. */
  readonly problem: string;
  /** The path of the webhook, below the address of the engine. */
  readonly hook: string;
}

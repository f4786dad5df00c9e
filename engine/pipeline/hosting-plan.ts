// Which services and spouts an engine should host. Pure, and asked again after every change.

/** A pipeline that runs for ever. */
export interface HostedView {
  /** `project/pipeline`. */
  readonly key: string;
  /** Never reused, unlike the key. */
  readonly id: string;
  readonly kind: 'service' | 'spout';
  readonly isStopped: boolean;
  /** The engine that hosts it; null for none. */
  readonly owner: string | null;
}

export interface HostingView {
  /** This engine, as owners are named. */
  readonly self: string;
  /** What this engine hosts now, by key. */
  readonly hosting: ReadonlyMap<string, Pick<HostedView, 'id' | 'kind'>>;
  /** All services and spouts. */
  readonly pipelines: readonly HostedView[];
  /** Returns whether the engine of that name may still be at work. */
  isAlive(owner: string): boolean;
}

export type HostingAction =
  /** Claim the pipeline and host it. */
  | { readonly kind: 'host'; readonly pipeline: string }
  /** Let go of it: it is stopped, deleted, something else by now, or another engine's. */
  | { readonly kind: 'leave'; readonly pipeline: string };

/** Returns what to do. One engine hosts a pipeline at a time; what it lets go of must be gone before it hosts it anew. */
export function planHosting(view: HostingView): HostingAction[] {
  const { self, hosting, pipelines } = view;
  const known = new Map(pipelines.map((pipeline) => [pipeline.key, pipeline]));
  const actions: HostingAction[] = [];
  for (const [key, { id, kind }] of hosting) {
    const now = known.get(key);
    const isOurs = now?.owner === self && now.id === id && now.kind === kind && !now.isStopped;
    if (!isOurs) {
      actions.push({ kind: 'leave', pipeline: key });
    }
  }
  for (const { key, isStopped, owner } of pipelines) {
    const isFree = owner === null || owner === self || !view.isAlive(owner);
    if (!isStopped && isFree && !hosting.has(key)) {
      actions.push({ kind: 'host', pipeline: key });
    }
  }
  return actions;
}

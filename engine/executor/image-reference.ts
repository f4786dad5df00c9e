// The names of images, as people write them and as registries mean them.

/** An image name taken apart and completed: `iris` is `library/iris` on Docker Hub. */
export interface ImageReference {
  readonly registry: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** The registry of names that don't say one. */
export const DOCKER_HUB = 'docker.io';

/** Takes `reference` apart by the grammar of Docker's image names; never fails, odd names stay odd. */
export function parseReference(reference: string): ImageReference {
  const at = reference.indexOf('@');
  const digest = at < 0 ? undefined : reference.slice(at + 1);
  const named = at < 0 ? reference : reference.slice(0, at);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const tag = tagged ? named.slice(colon + 1) : undefined;
  const name = tagged ? named.slice(0, colon) : named;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  const registry = hasRegistry ? first.replace(/^index\.docker\.io$/, DOCKER_HUB) : DOCKER_HUB;
  const rest = hasRegistry ? name.slice(slash + 1) : name;
  const path = registry === DOCKER_HUB && !rest.includes('/') ? `library/${rest}` : rest;
  return {
    registry,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

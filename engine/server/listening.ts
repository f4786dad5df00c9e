// Where an engine may listen: beyond its own machine only where people sign in under their own names, over TLS, unless
// its owner says otherwise in so many words.

import { EngineError } from '../base/errors.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** Rejects with `failed_precondition` a place beyond loopback where not all of it is given. */
export function checkListening(
  places: readonly (Place | undefined)[],
  given: { readonly hasUsers: boolean; readonly hasTls: boolean; readonly isInsecure: boolean },
): void {
  const open = places.find((place) => place && !LOOPBACK.test(place.host));
  if (open === undefined || given.isInsecure || (given.hasUsers && given.hasTls)) {
    return;
  }
  const missing = [
    ...(given.hasUsers
      ? []
      : [
          'nobody has an account: start it on this machine alone, then pfs auth create-user and create-token',
        ]),
    ...(given.hasTls ? [] : ['there is no TLS: give --tls-cert and --tls-key']),
  ];
  throw new EngineError(
    'failed_precondition',
    `Cannot listen at ${open.host}:${open.port}, where other machines reach it: ${missing.join('; ')}. --insecure-listen does it all the same`,
  );
}

// The way in for somebody who has nothing yet: three commands, from data to a result.

import type { JSX } from 'preact';
import { Empty } from './notice.tsx';

const SPEC = `{"pipeline":{"name":"count"},"input":{"pfs":{"repo":"texts","glob":"/"}},"transform":{"image":"debian:12","cmd":["sh"],"stdin":["wc -w /pfs/texts/* > /pfs/out/counts"]}}`;

const STEPS = [
  { says: 'Make a repo', command: 'pfs create-repo texts' },
  {
    says: 'Put a file into it',
    command: `echo 'one two three' | pfs put-file texts@master:/first.txt`,
  },
  { says: 'Make a pipeline over it', command: `echo '${SPEC}' | pfs create-pipeline -f -` },
];

/** Shows them. */
export function FirstSteps({ title }: { readonly title: string }): JSX.Element {
  return (
    <Empty title={title} commands={STEPS}>
      <p>
        Data lives in repos, versioned as commits. A pipeline runs a command over what is in them,
        whenever they change, and keeps the result in a repo of its own. Three commands show it:
      </p>
    </Empty>
  );
}

// Making a repo.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { go } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { FormDialog } from './form-dialog.tsx';
import { repoPlace } from './places.ts';

export function NewRepo({
  project = 'default',
  onClose,
}: {
  readonly project?: string | undefined;
  readonly onClose: () => void;
}): JSX.Element {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const make = async () => {
    const repo = await engine.call('POST /repos', { body: { project, name, description } });
    go(repoPlace(repo));
  };
  return (
    <FormDialog
      title={project === 'default' ? 'New repo' : `New repo in ${project}`}
      action="Make repo"
      isReady={name.trim() !== ''}
      work={make}
      onClose={onClose}
    >
      <label>
        Name
        <input
          required
          autofocus
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label>
        Description
        <input value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
      </label>
      <p class="hint">
        Or: <code>pfs create-repo {name || 'name'}</code>
      </p>
    </FormDialog>
  );
}

// Shell completion: the scripts, and the hidden command that they ask.

import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';

export const commands: readonly Command[] = [
  {
    names: ['completion'],
    summary: 'Print the completion script for a shell',
    usage: 'bash | zsh | fish',
    arguments: [1, 1],
    options: {},
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/pfs', 'sets it up for bash'],
      ['completion zsh > ~/.zfunc/_pfs', 'sets it up for zsh, where ~/.zfunc is in fpath'],
      ['completion fish > ~/.config/fish/completions/pfs.fish', 'sets it up for fish'],
    ],
    run: async (context, args) => {
      const { completionScript } = await import('../completion-scripts.ts');
      const shell = args.positionals[0] ?? '';
      const script = completionScript(shell);
      if (!script) {
        throw usageError(`There is no completion for "${shell}"; there is for bash, zsh and fish`);
      }
      await context.output.write(script);
    },
  },
];

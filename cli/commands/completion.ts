import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'

const shells = ['bash', 'zsh', 'fish', 'powershell'] as const

export const completion: CommandSpec = {
  name: 'completion',
  group: 'SETUP',
  summary: 'a script by which a shell completes command lines',
  about:
    'Prints a script for a shell, which then completes commands, flags, domains, queues, job types, operations and profiles. The script asks jobsctl for the words, and jobsctl asks the server for at most 0.7 s.',
  examples: [
    'source <(jobsctl completion bash)    # in ~/.bashrc',
    'source <(jobsctl completion zsh)     # in ~/.zshrc, after compinit',
    'jobsctl completion fish > ~/.config/fish/completions/jobsctl.fish',
    'jobsctl completion powershell | Out-String | Invoke-Expression    # in $PROFILE',
  ],
  operands: '<bash|zsh|fish|powershell> [words...]',
  flags: [],
  async run(context, _flags, [word = '', ...words]) {
    const shell = shells.find((name) => name === word)
    if (shell === undefined) {
      throw new Failure('usage', `completion: ${word || 'the shell'} is not one of ${shells.join(', ')}`, {
        hint: 'jobsctl completion --help',
      })
    }
    if (words.length > 0) {
      const { reply } = await import('./completion/reply.ts')
      context.io.out(await reply(context, shell, words))
    } else {
      const { scripts } = await import('./completion/scripts.ts')
      context.print.text(scripts[shell])
    }
    return 'ok'
  },
}

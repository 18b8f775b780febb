import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'

export const man: CommandSpec = {
  name: 'man',
  group: 'SETUP',
  summary: 'the manual page of jobsctl, or of a command',
  about:
    'Prints a manual page in roff, for man or groff. An installation by npm --global has the pages already: man jobsctl-prune.',
  examples: ['jobsctl man | man -l -', 'jobsctl man prune | man -l -', 'jobsctl man prune > jobsctl-prune.1'],
  operands: '[command]',
  flags: [],
  async run({ commands, print }, _flags, [word]) {
    const { commandPage, programPage } = await import('./help/man-page.ts')
    const command = commands.find(({ name }) => name === word)
    if (word !== undefined && command === undefined)
      throw new Failure('usage', `there is no command ${word}`, { hint: 'jobsctl help commands lists them' })
    print.text(command ? commandPage(command) : programPage(commands))
    return 'ok'
  },
}

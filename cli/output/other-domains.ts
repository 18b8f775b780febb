import { commandLine, flagWords } from '../../shared/text/shell.ts'
import type { CommandDescription } from '../command.ts'
import type { Context } from '../context.ts'

/** More are not named. */
const mostTold = 5

/** Notes for a person that a command without a domain was about own jobs alone, at a server that serves those of other engines beside them. */
export function tellOtherDomains(
  { print, otherDomains }: Pick<Context, 'print' | 'otherDomains'>,
  { flags }: Pick<CommandDescription, 'flags'>,
  { domain }: { domain?: string },
): void {
  const takesDomain = flags.some((flag) => flag.flags.startsWith('--domain '))
  if (!print.forPeople || !takesDomain || domain !== undefined) return
  const named = otherDomains()
    .slice(0, mostTold)
    .map((name) => commandLine(flagWords('--domain', name)))
  print.aside(
    `note: no domain was given, so that this is about own jobs alone; other engines have ${named.join(', ')}${otherDomains().length > mostTold ? ' and more' : ''}`,
  )
}

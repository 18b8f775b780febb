import { type Failure, failures } from '../../shared/errors.ts'
import { exits } from '../../shared/exits.ts'
import { escaped, escapedJson } from '../../shared/text/escape.ts'
import type { Io } from '../io.ts'
import { withTarget } from '../settings/flags/target-words.ts'
import type { GlobalFlags } from '../settings/settings.ts'
import { coloured, styleFor } from './style.ts'

/** Prints an error and its hint on stderr, also where the flags themselves are invalid. */
export function printFailure(failure: Failure, io: Io, flags: GlobalFlags, argv: readonly string[]): void {
  const { code, message, requestId, server } = failure
  const hint = failure.hint && withTarget(failure.hint, flags)
  if (wantsJson(flags, io, argv)) {
    const exit = exits[failures[code].exit].code
    const error = { code, detail: message, hint: hint ?? null, exit, request_id: requestId ?? null }
    // Of several profiles each may have one.
    const of = flags.profile === undefined ? {} : { profile: flags.profile }
    io.note(`${escapedJson(JSON.stringify({ error: { ...error, ...of } }))}\n`)
    return
  }
  const style = styleFor(
    coloured(flags.color === 'always' ? 'always' : flags.color === 'never' ? 'never' : 'auto', io.env, io.noteTerminal),
  )
  const lines = message.split('\n').map(escaped)
  io.note(`${style.red('error:')} ${lines.join('\n')}\n`)
  if (hint) io.note(`  hint: ${escaped(hint)}\n`)
  const at = server ? ` (${server})` : ''
  if (requestId) io.note(`${style.dim(`  request: ${escaped(requestId)}${at}`)}\n`)
}

/** Whether the error is printed as JSON. A command line that cannot be parsed has no flags, so the words are searched, too. */
function wantsJson(flags: GlobalFlags, { env }: Io, argv: readonly string[]): boolean {
  const structured = (name: string | undefined) => name === 'json' || name === 'ndjson'
  const words = argv.some((word) => /^(--json|--ndjson|(-o|--output=)(json|ndjson))$/.test(word))
  const named = ['-o', '--output'].some((flag) => argv.includes(flag) && structured(argv[argv.indexOf(flag) + 1]))
  const byFlag = flags.json || flags.ndjson || structured(flags.output) || words || named
  return byFlag || (flags.output === undefined && structured(env.JOBSCTL_OUTPUT))
}

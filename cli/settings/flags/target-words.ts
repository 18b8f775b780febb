import { commandLine } from '../../../shared/text/shell.ts'
import { hasPassword } from '../has-password.ts'
import type { GlobalFlags } from '../settings.ts'

/** The flags that name the target, which a hint must keep. */
export const targetWords = (flags: GlobalFlags): string[] => [
  ...(flags.profile === undefined ? [] : ['--profile', flags.profile]),
  ...(flags.url === undefined ? [] : ['--url', flags.url]),
  ...(flags.db === undefined || hasPassword(flags.db) ? [] : ['--db', flags.db]),
  ...(flags.apiKeyFile === undefined ? [] : ['--api-key-file', flags.apiKeyFile]),
  ...(flags.tokenFile === undefined ? [] : ['--token-file', flags.tokenFile]),
  ...(flags.allowHttp ? ['--allow-http'] : []),
]

/** The commands that call a server, except those of the second person of a plan, who has another key: approve, reject and apply. A test holds them complete. */
const calling =
  'stats top ui list show explain wait workers queues stale clusters history events prune sweep requeue integrity cancel retry redrive reclaim reschedule ' +
  'priority edit undo erase pause resume drain threshold throttle enqueue mark operations policy plans hold token agents mcp doctor'
const calls = new RegExp(`\\bjobsctl (?=(?:${calling.replaceAll(' ', '|')})\\b(?! --help))`, 'g')

/**
 * A hint whose commands go to the server of this command line. A hint of the server, and one that is made where no flags are known, has
 * the words of its commands alone.
 */
export function withTarget(hint: string, flags: GlobalFlags): string {
  const words = commandLine(targetWords(flags))
  const isThere = hint.split(words).some((after, at) => at > 0 && /^([\s;,)]|$)/.test(after))
  return words === '' || isThere ? hint : hint.replaceAll(calls, (jobsctl) => `${jobsctl}${words} `)
}

import { commandLine } from '../../../shared/shell.ts'
import type { GlobalFlags } from '../settings.ts'

/** The flags that name the target, which a hint must keep. */
export const targetWords = (flags: GlobalFlags): string[] => [
  ...(flags.profile === undefined ? [] : ['--profile', flags.profile]),
  ...(flags.url === undefined ? [] : ['--url', flags.url]),
  ...(flags.apiKeyFile === undefined ? [] : ['--api-key-file', flags.apiKeyFile]),
  ...(flags.tokenFile === undefined ? [] : ['--token-file', flags.tokenFile]),
  ...(flags.allowHttp ? ['--allow-http'] : []),
]

/** The commands that hints name and that call a server. Those of the second person of a plan are none: that person has another key. */
const calling = /\bjobsctl (?=(?:clusters|doctor|events|hold|list|operations|plans|policy|show|stats)\b(?! --help))/g

/**
 * A hint whose commands go to the server of this command line. A hint of the server, and one that is made where no flags are known, has
 * the words of its commands alone.
 */
export function withTarget(hint: string, flags: GlobalFlags): string {
  const words = commandLine(targetWords(flags))
  return words === '' || hint.includes(words) ? hint : hint.replaceAll(calling, (jobsctl) => `${jobsctl}${words} `)
}

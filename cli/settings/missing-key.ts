import { Failure } from '../../shared/errors.ts'
import { commandLine } from '../../shared/text/shell.ts'
import { isOpenHttp } from './server-url.ts'
import type { Target } from './target.ts'

/** The error of a target without a key, with the way to give it one: which settings are read depends on what named the server. */
export const noKey = (target: Target): Failure =>
  new Failure('unauthenticated', `there is no key for ${target.name} (${target.from})`, {
    hint: `${wayToKey(target)}; ${target.otherWay ? `${target.otherWay}; ` : ''}jobsctl help config lists all ways`,
  })

function wayToKey({ url, from, profile }: Target): string {
  const login = (words: readonly string[]) =>
    commandLine(['jobsctl', 'login', ...words, ...(isOpenHttp(url) ? ['--allow-http'] : [])])
  const root = url.href.replace(/\/$/, '')
  if (from === '--url') return `add --api-key-file, or ${login([root])} makes a profile to name in place of --url`
  if (from === 'JOBSCTL_URL') return 'set JOBSCTL_API_KEY, or JOBSCTL_API_KEY_FILE to a file with the key'
  if (from === 'BASE') return 'set API_KEY'
  if (profile) return `${login(['--profile', profile.name])} asks for it`
  return `${login([root])} asks for it, or set JOBSCTL_API_KEY`
}

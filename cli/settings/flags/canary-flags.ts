import { Failure } from '../../../shared/errors.ts'
import type { Context } from '../../context.ts'
import { seconds } from '../../text/duration.ts'
import type { Flag } from './flag.ts'

export interface CanaryFlags {
  canary?: string
  canaryWait?: string
}

export const canaryWaitFlag: Flag = {
  flags: '--canary-wait <duration>',
  about: 'how long the canary jobs may take (default: 60s)',
  group: 'HOW',
}

/** The flags of changes that first try some of the jobs. */
export const canaryFlags: readonly Flag[] = [
  { flags: '--canary <n>', about: 'change n jobs first, and the rest when these n are completed', group: 'HOW' },
  canaryWaitFlag,
]

/** How many jobs to change first, how many milliseconds to watch them, and the words of the command line. */
export interface Canaries {
  count: number
  watchMs: number
  words: readonly string[]
}

const mostCanaries = 1000

/**
 * The canary jobs of a command; undefined without `--canary`.
 * @throws Failure `usage`
 */
export function canaryOf(
  { settings }: Context,
  { canary, canaryWait: wait }: CanaryFlags,
  ids: string[],
): Canaries | undefined {
  if (canary === undefined && wait !== undefined) throw new Failure('usage', '--canary-wait needs --canary')
  if (canary === undefined) return undefined
  const count = /^\d+$/.test(canary) ? Number(canary) : 0
  if (count < 1 || count > mostCanaries) {
    throw new Failure('usage', `--canary: must be a whole number from 1 to ${mostCanaries}`)
  }
  if (ids.length > 0) throw new Failure('usage', '--canary and ids exclude each other')
  const others = { '--no-preview': !settings.preview, '--plan-out': settings.planOut, '--curl': settings.curl }
  const other = Object.entries(others).find(([, given]) => given)?.[0]
  if (other !== undefined) throw new Failure('usage', `--canary and ${other} exclude each other`)
  return {
    count,
    watchMs: watchMsOf(wait),
    words: ['--canary', canary, ...(wait === undefined ? [] : ['--canary-wait', wait])],
  }
}

/** How long canary jobs are watched, in milliseconds. @throws Failure `usage` */
export const watchMsOf = (wait = '60s'): number => 1000 * seconds(wait, '--canary-wait')

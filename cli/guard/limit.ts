import { Failure } from '../../shared/errors.ts'
import { quoted } from '../../shared/text/shell.ts'
import type { Context } from '../context.ts'
import type { Client } from '../http/client.ts'
import type { Target } from '../settings/target.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'

/**
 * The most jobs that a change may touch, by `--max`, `JOBSCTL_MAX` or the profile; undefined without a limit.
 * @throws Failure `usage` where a protected profile is not spelled out, or has no limit
 */
export function limitOf({ settings, retyped }: Context, { target: { profile } }: Client): number | undefined {
  const max = settings.max ?? profile?.max
  if (!profile?.protected || settings.dryRun) return max
  requireNamedProfile(profile)
  if (max === undefined) {
    throw new Failure(
      'usage',
      `the profile ${profile.name} is protected: a change needs a limit; nothing was changed`,
      {
        hint: `add --max, or ${retyped(['config', 'set', `profiles.${profile.name}.max`, '10000'])}`,
      },
    )
  }
  return max
}

interface Over {
  /** Whether the number is the most that may match. */
  upTo?: boolean
  hint?: string
}

/** The refusal of a change that matches more jobs than the limit. */
export function overLimit(
  total: number,
  max: number,
  { upTo = false, hint = 'narrow the scope, or raise --max' }: Over = {},
): Failure {
  return new Failure(
    'limit_exceeded',
    `${upTo ? 'up to ' : ''}${jobsText(total)} match${total === 1 ? 'es' : ''}, above the limit of ${groupedDigits(max)}; nothing was changed`,
    { hint },
  )
}

/**
 * A change at a protected profile needs `--profile`, so that nobody makes it by accident.
 * @throws Failure `usage` for a protected profile that `--profile` does not spell out
 */
export function requireNamedProfile(profile: Target['profile']): void {
  if (!profile?.protected || profile.named) return
  throw new Failure(
    'usage',
    `the profile ${profile.name} is protected: a change must spell it out; nothing was changed`,
    {
      hint: `add --profile ${quoted(profile.name)}`,
    },
  )
}

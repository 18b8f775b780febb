import type { Command } from 'commander'
import { type LimitFlags, limitsOfFlags, mayHaveLimits, type TokenLimits } from '../../../shared/access/limits.ts'
import { Failure } from '../../../shared/errors.ts'

/** The flags of the limits of a token. */
export const withLimitFlags = (command: Command): Command =>
  command
    .option('--max-per-change <jobs>', 'the most jobs of one change of many jobs, or none')
    .option('--max-per-day <jobs>', 'the most jobs that all tokens of its principal change in 24 hours, or none')

/**
 * The limits of a token that is made.
 * @throws Failure `usage` for a role that has none
 */
export function limitsFor(role: string, flags: LimitFlags): TokenLimits {
  const limits = limitsOfFlags(flags)
  if (Object.keys(limits).length === 0 || mayHaveLimits(role)) return limits
  throw new Failure(
    'usage',
    `a token with the role ${role} makes no changes of many jobs to limit; nothing was changed`,
  )
}

/** @throws Failure `usage` without a limit */
export function neededLimits(flags: LimitFlags): TokenLimits {
  const limits = limitsOfFlags(flags)
  if (Object.keys(limits).length > 0) return limits
  throw new Failure('usage', 'set-limits needs --max-per-change or --max-per-day; nothing was changed', {
    hint: 'jobs-server token set-limits <id> --max-per-day 10000',
  })
}

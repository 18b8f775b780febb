import { Failure } from '../errors.ts'
import { wholeNumber } from '../scope.ts'
import { rightsOf } from './rights.ts'

/** The limits of a token as calls give them: null takes a limit away, and an absent one is left as it is. */
export const tokenLimits = {
  max_per_change: wholeNumber(1)
    .nullish()
    .describe('the most jobs that one change of many jobs may touch, with their dependents'),
  max_per_day: wholeNumber(1)
    .nullish()
    .describe(
      'the most jobs that the changes of all tokens of the same principal may have touched in 24 hours, for a further one to begin',
    ),
}

export interface TokenLimits {
  max_per_change?: number | null | undefined
  max_per_day?: number | null | undefined
}

/** Limits are about changes of many jobs, so that they belong to roles that make them. */
export const mayHaveLimits = (role: string): boolean => rightsOf({ role, may_enqueue: false }).has('change')

/** `at most 500 jobs a change, 2,000 a day`; an empty text where nothing is limited. */
export function limitsText({ max_per_change, max_per_day }: TokenLimits): string {
  const parts = [
    ...(max_per_change ? [`${digits(max_per_change)} jobs a change`] : []),
    ...(max_per_day ? [`${digits(max_per_day)} jobs a day`] : []),
  ]
  return parts.length === 0 ? '' : `at most ${parts.join(', ')}`
}

const digits = (count: number): string => count.toLocaleString('en-US')

/** The flags of both programs that set limits. */
export interface LimitFlags {
  maxPerChange?: string
  maxPerDay?: string
}

/**
 * The limits of the flags `--max-per-change` and `--max-per-day`: a number, or `none`.
 * @returns an object without fields where neither is given
 * @throws Failure `usage`
 */
export const limitsOfFlags = ({ maxPerChange, maxPerDay }: LimitFlags): TokenLimits => ({
  ...(maxPerChange !== undefined && { max_per_change: limitOf('--max-per-change', maxPerChange) }),
  ...(maxPerDay !== undefined && { max_per_day: limitOf('--max-per-day', maxPerDay) }),
})

function limitOf(flag: string, text: string): number | null {
  if (text === 'none') return null
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new Failure('usage', `${flag}: must be a number of jobs, or none; nothing was changed`)
}

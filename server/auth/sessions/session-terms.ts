import { type Right, strictRights } from '../../../shared/access/rights.ts'

/** When sessions of a caller end, in seconds. */
interface Terms {
  /** Since the last call. */
  idle: number
  /** Since the login. */
  longest: number
}

const hour = 3600
const usual: Terms = { idle: 12 * hour, longest: 7 * 24 * hour }
const strict: Terms = { idle: hour / 2, longest: 8 * hour }

/** The terms of no session are longer. */
export const longestTerms = usual

/** What outlives the session needs a login that is younger, in seconds. */
export const freshSeconds = 15 * 60

/** The terms of sessions of a caller with these rights, as they are now. */
export const termsOf = (may: ReadonlySet<Right>): Terms =>
  strictRights.some((right) => may.has(right)) ? strict : usual

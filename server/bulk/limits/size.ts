import type { Sql } from '../../database/sql.ts'
import type { BulkChange, JobSet, Matching } from '../change/bulk-change.ts'
import { countDependents, countMatching } from '../preview/count.ts'
import type { VerifiedPreview } from '../token/preview-token.ts'

/** How much a change may touch: its own jobs, and their dependents. */
export interface ChangeSize {
  jobs: number
  dependents: number
}

export const totalOf = ({ jobs, dependents }: ChangeSize): number => jobs + dependents

/** What is known of the size of a change before it is compared with limits. */
export interface KnownSize {
  previewed: VerifiedPreview | undefined
  /** How many jobs match, where they were counted for `max`. */
  counted: number | undefined
}

/**
 * The size that a change is bound to: the count of its preview; without one, that of the jobs which match. Its set can only shrink
 * afterwards.
 */
export async function sizeOf(
  sql: Sql,
  bulk: Matching & Pick<BulkChange<unknown>, 'dependents' | 'max' | 'limit'>,
  { set, previewed, counted }: KnownSize & { set: JobSet },
): Promise<ChangeSize> {
  // A preview that did not count to the end is bound by `max`, which its change must have.
  const matching = previewed?.count ?? counted ?? (previewed ? undefined : await countMatching(sql, bulk, set))
  const bounds = [matching, bulk.max, bulk.limit].map((bound) => bound ?? Number.MAX_SAFE_INTEGER)
  return { jobs: Math.min(...bounds), dependents: await countDependents(sql, bulk) }
}

export const digits = (count: number): string => count.toLocaleString('en-US')

/** `9 jobs match` */
export const matchText = (jobs: number): string => (jobs === 1 ? '1 job matches' : `${digits(jobs)} jobs match`)

/** `9 jobs match`, `9 jobs match, and 1 more goes along` */
export function sizeText({ jobs, dependents }: ChangeSize): string {
  const match = matchText(jobs)
  if (dependents === 0) return match
  return `${match}, and ${digits(dependents)} more ${dependents === 1 ? 'goes' : 'go'} along`
}

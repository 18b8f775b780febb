import type { JobId } from '../../../shared/work/job-key.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import type { Matching } from '../change/bulk-change.ts'
import { withHolds } from '../change/with-holds.ts'
import { hasOpenTransactions } from '../token/snapshot.ts'
import { countInSteps } from './count-in-steps.ts'
import { type Described, type Moment, moments, sampleIds, sampleOf } from './preview-statement.ts'

/** For how long a set is counted that no statement could count to its end, in milliseconds. */
const countingMs = 5000

interface Found {
  moment: Moment
  sample: Sample
  count: number
}

interface Sample {
  ids: JobId[]
  size: number
}

/**
 * Counts as much of a set as five seconds allow, as of one moment. Rows that transactions wrote which were open at that moment do not
 * belong to the set.
 * @returns undefined where no job was found in this time
 */
export async function describeAtLeast<More>(
  sql: Pool,
  bulk: Matching,
  more: More,
): Promise<Described<More> | undefined> {
  let found: Found | undefined
  const count = async (tx: Sql) => {
    await tx`select ${limitReadTime(tx)}`
    const set = await withHolds(tx, bulk)
    const source = () => bulk.matching(tx, set)
    const [moment] = await tx<[Moment]>`select ${moments(tx)}`
    const [sample] = await tx<[Sample]>`
      with sampled as (${sampleOf(tx, source())})
      select
        coalesce(avg(size), 0)::float8 as size,
        (select coalesce(jsonb_agg(id), '[]') from (${sampleIds(tx)}) as few) as ids
      from sampled`
    const end = performance.now() + countingMs
    const goesOn = (counted: number) => {
      found = { moment, sample, count: counted }
      return performance.now() < end
    }
    await countInSteps(tx, source(), { goesOn })
  }
  await sql.begin('isolation level repeatable read read only', count).catch((error: unknown) => {
    if (!hasCode(error, ['57014'])) throw error
  })
  if (!found || found.count === 0) return undefined
  return described(found, more)
}

function described<More>({ moment, sample, count }: Found, more: More): Described<More> {
  return {
    ...moment,
    count,
    complete: false,
    count_at_least: count,
    groups: [],
    owners: [],
    oldest: null,
    newest: null,
    sample_ids: sample.ids,
    bytes_estimate: Math.round(count * sample.size),
    pace: null,
    recent: hasOpenTransactions(moment.now) ? [] : null,
    rewritten: [],
    more,
  }
}

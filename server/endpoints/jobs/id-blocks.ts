import { mostScanned } from '../../../shared/jobs/most-scanned.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { IdRange } from './list-cursor.ts'
import { isRankCandidate, type RankRequest } from './list-sorted.ts'

/** The number of rows of a block: the end of a slice is the end of a block. */
const blockRows = 500

interface IdBlocks {
  /** The id of the first row; undefined where no row is in the range. */
  first: string | undefined
  /** The id of the last row of each block, and the number of rows from the first one to it. */
  ends: { id: string; rows: number }[]
}

/**
 * The ids at which the jobs that can match are cut into blocks: upwards or downwards from the end of the range that is known,
 * 50,000 jobs at most. It reads ids and states, and compares no job with the filter.
 */
export async function readIdBlocks(
  sql: Sql,
  request: RankRequest,
  { range, up }: { range: IdRange | undefined; up: boolean },
): Promise<IdBlocks> {
  const direction = up ? sql`asc` : sql`desc`
  const ends = await sql<{ id: string; rows: number }[]>`
    select id::text, rows
    from (
      select id, row_number() over reading as rows, lead(id) over reading is null as is_last
      from (
        select jobs.id
        from jobs
        where ${isRankCandidate(sql, request)} ${within(sql, range)}
        order by jobs.id ${direction}
        ${sql.unsafe(`limit ${mostScanned}`)}
      ) as candidates
      window reading as (order by id ${direction})
    ) as numbered
    where rows = 1 or rows % ${blockRows}::bigint = 0 or is_last
    order by rows`
  const [start, ...others] = ends
  return { first: start?.id, ends: others.length === 0 ? [...ends] : others }
}

const within = (sql: Sql, { low, high }: Partial<IdRange> = {}): Fragment => sql`
  ${low === undefined ? sql`` : sql`and jobs.id >= ${low}::text::job_id`}
  ${high === undefined ? sql`` : sql`and jobs.id <= ${high}::text::job_id`}`

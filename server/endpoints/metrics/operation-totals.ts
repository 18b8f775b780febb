import type { Sql } from '../../database/sql.ts'

/** How many operations of a kind ended in a state, and how many jobs they have changed. */
export interface OperationTotal {
  kind: string
  /** The state in which they ended; an undo later does not change it. */
  state: string
  operations: number
  jobs: number
}

/** The totals of all records. Records below the oldest running one have ended for good, and are read once by each server. */
export interface OperationTotals {
  read: (sql: Sql) => Promise<OperationTotal[]>
}

export function createOperationTotals(): OperationTotals {
  let settled: readonly OperationTotal[] = []
  let upTo = 0
  const readOn = async (sql: Sql): Promise<OperationTotal[]> => {
    const { newest, bound, rows } = await readEnded(sql, upTo)
    if (newest < upTo) {
      // The database is an earlier one, such as a restored backup.
      settled = []
      upTo = 0
      return readOn(sql)
    }
    settled = sum([...settled, ...rows.filter(({ is_settled }) => is_settled)])
    upTo = Math.max(upTo, bound)
    return sum([...settled, ...rows.filter(({ is_settled }) => !is_settled)])
  }
  return { read: readOn }
}

interface Ended {
  /** The newest record, and the newest one of which no older one runs. */
  newest: number
  bound: number
  rows: readonly (OperationTotal & { is_settled: boolean })[]
}

/** Reads the totals of the records after `after` in one statement, which has one row without a kind where there are none. */
async function readEnded(sql: Sql, after: number): Promise<Ended> {
  const rows = await sql<
    (Pick<Ended, 'newest' | 'bound'> & (Ended['rows'][number] | Record<keyof Ended['rows'][number], null>))[]
  >`
    with bounds as materialized (
      select newest, coalesce((select min(id) - 1 from job_operations where state = 'running'), newest) as bound
      from (select coalesce(max(id), 0) as newest from job_operations) as last
    )
    select bounds.*, ended.*
    from bounds
    left join lateral (
      select
        kind, coalesce(ended_as, job_operations.state) as state, id <= bound as is_settled,
        count(*) as operations, sum(affected)::bigint as jobs
      from job_operations
      where id > ${after}::bigint and job_operations.state <> 'running'
      group by 1, 2, 3
    ) as ended on true
    order by kind, state`
  const [{ newest, bound } = { newest: 0, bound: 0 }] = rows
  return { newest, bound, rows: rows.flatMap((row) => (row.kind === null ? [] : [row])) }
}

/** One total for each kind and state. */
function sum(totals: readonly OperationTotal[]): OperationTotal[] {
  const sums = new Map<string, OperationTotal>()
  for (const { kind, state, operations, jobs } of totals) {
    const key = JSON.stringify([kind, state])
    const before = sums.get(key)
    sums.set(key, { kind, state, operations: operations + (before?.operations ?? 0), jobs: jobs + (before?.jobs ?? 0) })
  }
  return [...sums.values()]
}

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
    const { newest, bound } = await readBounds(sql)
    if (newest < upTo) {
      // The database is an earlier one, such as a restored backup.
      settled = []
      upTo = 0
    }
    const rows = await readEnded(sql, { after: upTo, bound })
    settled = sum([...settled, ...rows.filter(({ is_settled }) => is_settled)])
    upTo = Math.max(upTo, bound)
    return sum([...settled, ...rows.filter(({ is_settled }) => !is_settled)])
  }
  return { read: readOn }
}

async function readBounds(sql: Sql): Promise<{ newest: number; bound: number }> {
  const [row] = await sql<[{ newest: number; bound: number }]>`
    select newest, coalesce((select min(id) - 1 from job_operations where state = 'running'), newest) as bound
    from (select coalesce(max(id), 0) as newest from job_operations) as last`
  return row
}

const readEnded = (sql: Sql, { after, bound }: { after: number; bound: number }) => sql<
  (OperationTotal & { is_settled: boolean })[]
>`
  select
    kind, coalesce(ended_as, state) as state, id <= ${bound}::bigint as is_settled,
    count(*) as operations, sum(affected)::bigint as jobs
  from job_operations
  where id > ${after}::bigint and state <> 'running'
  group by 1, 2, 3
  order by 1, 2`

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

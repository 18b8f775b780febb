import { Attempt } from '../../shared/work/acquire.ts'
import { Job, LeasedJob } from '../../shared/work/job.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'

type Column = keyof LeasedJob

/** What a call answers of a job: a list of its columns. */
export interface JobShape<Row extends Pick<Job, 'id'>> {
  /** The columns of the answer, of a CTE that has them. */
  answered: (sql: Sql, cte: 'added' | 'leased') => Fragment
  /** The columns of `jobs` that a statement must return: those of the answer, and `needed`. */
  returned: (sql: Sql, needed: readonly Column[]) => Fragment
  /** The columns of the answer, of `jobs`. */
  selected: (sql: Sql) => Fragment
  /** True where the left join found a job. */
  isFound: (row: Perhaps<Row>) => row is Perhaps<Row> & Row
}

const listOf = (table: string, columns: Iterable<Column>) =>
  staticFragment((sql) => sql.unsafe([...columns].map((column) => expressionOf(table, column)).join(', ')))

/**
 * The role of a server may not be able to add `traceparent` to a table of another program. The innermost name is the column of `jobs` where
 * there is one, and else that of the row around it, which is null.
 */
const expressionOf = (table: string, column: Column): string =>
  table === 'jobs' && column === 'traceparent'
    ? '(select (select traceparent from (select jobs.*) as own) from (select null::text as traceparent) as without) as traceparent'
    : `${table}.${column}`

function shapeOf<Name extends Column>(names: readonly Name[]): JobShape<Pick<LeasedJob, Name | 'id'>> {
  const answered = { added: listOf('added', names), leased: listOf('leased', names) }
  const returned = new Map<readonly Column[], (sql: Sql) => Fragment>()
  return {
    answered: (sql, cte) => answered[cte](sql),
    returned(sql, needed) {
      const list = returned.get(needed) ?? listOf('jobs', new Set<Column>([...names, ...needed]))
      returned.set(needed, list)
      return list(sql)
    },
    selected: listOf('jobs', names),
    isFound: (row): row is Perhaps<Pick<LeasedJob, Name | 'id'>> & Pick<LeasedJob, Name | 'id'> => row.id !== null,
  }
}

/** All columns of a job. */
export const wholeJob: JobShape<Job> = shapeOf(Job.keyof().options)

/** All columns of a job, and what its worker carries on. */
export const leasedJob: JobShape<LeasedJob> = shapeOf(LeasedJob.keyof().options)

/** The columns that tell which job it is, and its status. */
export const namedJob = shapeOf(['id', 'uuid', 'status'])
export type NamedJob = Pick<Job, 'id' | 'uuid' | 'status'>

/** The columns that a worker needs to run a job and to end its attempt. */
export const attemptOfJob = shapeOf(Attempt.keyof().options)

/** A row of a left join: every column is null where there is no job. */
export type Perhaps<Row> = { [Name in keyof Row]: Row[Name] | null }

/** True for the row of `jobs` that has the idempotency key of `item`, in the domain, queue and job type of `item`. */
export const hasKeyOf = (sql: Sql, item: Fragment): Fragment => sql`
  jobs.domain = ${item}.domain and jobs.queue = ${item}.queue and jobs.job_type = ${item}.job_type
  and jobs.idempotency_key = ${item}.idempotency_key`

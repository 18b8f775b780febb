import { Failure } from '../../../shared/errors.ts'
import { type Pool, type Sql, tableParts } from '../../database/sql.ts'
import type { Matching, Operation } from '../change/bulk-change.ts'
import { digits } from '../limits/size.ts'
import { countMatching } from '../preview/count.ts'

/**
 * Which files the rows of `jobs` are in. `alter table` that writes all rows again puts them into others, and gives each of them
 * another `xmin`, as if somebody had changed it.
 */
export async function readStorage(sql: Sql): Promise<string> {
  const [row] = await sql<[{ files: string | null }]>`
    select string_agg(concat(part::oid, ' ', pg_relation_filenode(part)), ',' order by part::oid) as files
    from ${tableParts(sql, sql`to_regclass('jobs')`)} as parts`
  return row.files ?? ''
}

/**
 * Why jobs that match now were not changed, where the rows of `jobs` were written again since the change began: then nobody can tell
 * them from jobs that somebody has changed. Without this, the answer would read as if none had matched.
 * @param before the files of the rows before the change began
 * @returns undefined where the rows are in the same files, or no job matches any more
 */
export async function findRewritten(
  sql: Pool,
  { asOf, excluded }: Pick<Operation, 'asOf' | 'excluded'>,
  { bulk, before }: { bulk: Matching; before: string },
): Promise<Failure | undefined> {
  if ((await readStorage(sql)) === before) return undefined
  const skipped = await countMatching(sql, bulk, { asOf, snapshot: undefined, excluded })
  if (skipped === 0) return undefined
  const jobs = skipped === 1 ? '1 job was skipped' : `${digits(skipped)} jobs were skipped`
  return new Failure(
    'database_busy',
    `${jobs}: another program has written all rows of jobs again since this change began (alter table), and a row that is written later counts as changed; nothing was changed`,
    { hint: 'wait until that program is done', retryAfter: 5 },
  )
}

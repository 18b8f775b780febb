import { Failure } from '../../../shared/errors.ts'
import { type Pool, type Sql, tableParts } from '../../database/sql.ts'
import type { Matching, Operation } from '../change/bulk-change.ts'
import { digits } from '../limits/size.ts'
import { countMatching } from '../preview/count.ts'

/** The file with the rows of each partition of `jobs`, by the partition. */
export type Storage = ReadonlyMap<string, string | null>

/**
 * Which files the rows of `jobs` are in. `alter table` that writes all rows again puts them into others, and gives each of them
 * another `xmin`, as if somebody had changed it.
 */
export async function readStorage(sql: Sql): Promise<Storage> {
  const rows = await sql<{ part: string; file: string | null }[]>`
    select part::oid::text as part, pg_relation_filenode(part)::text as file
    from ${tableParts(sql, sql`to_regclass('jobs')`)} as parts
    where part is not null`
  return new Map(rows.map(({ part, file }) => [part, file]))
}

/**
 * Why jobs that match now were not changed, where the rows of `jobs` were written again since the change began: then nobody can tell
 * them from jobs that somebody has changed. Without this, the answer would read as if none had matched.
 * @param before the files of the rows before the change began
 * @returns undefined where the rows of each partition that was there before are in the same file, or no job matches any more
 */
export async function findRewritten(
  sql: Pool,
  { asOf, excluded }: Pick<Operation, 'asOf' | 'excluded'>,
  { bulk, before }: { bulk: Matching; before: Storage },
): Promise<Failure | undefined> {
  const now = await readStorage(sql)
  if ([...before].every(([part, file]) => !now.has(part) || now.get(part) === file)) return undefined
  const skipped = await countMatching(sql, bulk, { asOf, snapshot: undefined, excluded })
  if (skipped === 0) return undefined
  const jobs = skipped === 1 ? '1 job was skipped' : `${digits(skipped)} jobs were skipped`
  return new Failure(
    'database_busy',
    `${jobs}: another program has written all rows of jobs again since this change began (alter table), and a row that is written later counts as changed; nothing was changed`,
    { hint: 'wait until that program is done', retryAfter: 5 },
  )
}

import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { EngineTarget } from './target.ts'

interface FromArchive {
  /** The id of the operation that is undone. */
  undoes: number
  /** The columns that a job comes back with, as `EngineWrites.revived` returns them. */
  revived: { names: Fragment; values: Fragment }
  /** A condition on a row of `chosen`, beginning with `and`: it may come back now. */
  and?: Fragment
  /** True to fail with the first row whose place is taken. ON CONFLICT, which passes over such rows, takes half of the time of the insertion again. */
  optimistic: boolean
}

/** An SQL expression beside the CTEs of `rowsFromArchive`: the keys of the jobs that the engine's table has not taken, as JSON. */
export const keysOfFailed = staticFragment(
  (sql) => sql`(
    select coalesce(jsonb_agg(jobsctl_key), '[]')
    from picked
    where (select count(*) from back) < (select count(*) from picked) and jobsctl_key not in (select jobsctl_key from back)
  )`,
)

/**
 * CTEs that move whole rows from the archive of an engine back into its table: `picked`, `restored`, `back` with the keys of the jobs as
 * `jobsctl_key`, and `unarchived`. They need the CTE `chosen` with the columns `id` and `tid`, the tid of the row of the archive.
 */
export function rowsFromArchive(
  tx: Sql,
  { adapter, writes, found, table, ours }: EngineTarget,
  { undoes, revived: { names, values }, and = tx``, optimistic }: FromArchive,
): Fragment {
  const archive = ours(adapter.archive)
  const { columns, inserted } = writes.archivedBy
  return tx`
    picked as materialized (
      select archived.*, chosen.id as jobsctl_key
      from chosen
      cross join lateral (
        select archived.*, archived.ctid as jobsctl_tid
        from ${archive} as archived
        where archived.ctid = chosen.tid
          and (archived.operation_id = ${undoes}::bigint and archived.job_schema = ${found.schemaName}::text) is true ${and}
        offset 0
        for update skip locked
      ) as archived
    ),
    restored as (
      insert into ${table} (${names}) overriding system value
      select ${values} from picked
      where ${tx.unsafe(writes.guard(found))}
      ${optimistic ? tx`` : tx`on conflict do nothing`}
      returning ${tx.unsafe(inserted)}
    ),
    -- Where every row was inserted, which is the rule, none is looked up.
    back as materialized (
      select jobsctl_key, jobsctl_tid
      from picked
      where (select count(*) from restored) = (select count(*) from picked) or (${tx.unsafe(columns)}) in (select * from restored)
    ),
    unarchived as (
      delete from ${archive} where ctid = any(array(select jobsctl_tid from back)) and operation_id = ${undoes}::bigint
    )`
}

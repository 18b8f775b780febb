import type { Fragment, Sql } from '../../database/sql.ts'
import type { ActWithUndo } from '../../engines/writes.ts'
import type { EngineTarget } from './target.ts'

/** The answer of a statement that changes jobs. */
export interface ChangedRow {
  affected: number
  /** The changed jobs as `EngineWrites.along` takes them; absent for an engine without it, and null where no job was changed. */
  changed?: string | null
}

type Along = Pick<EngineTarget, 'writes' | 'found'>

const hasAlong = ({ writes: { along, alongOnly } }: Along, act: ActWithUndo): boolean =>
  along !== undefined && (alongOnly === undefined || alongOnly === act)

/**
 * A further column of the last select of a statement: the changed jobs. To make it takes a sixth of a batch.
 * @param images rows with `queue`, `native_id`, and the images `before` and `after`
 */
export function carriedJobs(sql: Sql, target: Along, act: ActWithUndo, images: Fragment): Fragment {
  if (!hasAlong(target, act)) return sql``
  const { carried = (image) => image } = target.writes
  return sql`, (
    select jsonb_agg(jsonb_build_object(
      'queue', one.queue, 'native_id', one.native_id,
      'before', ${sql.unsafe(carried('one.before'))}, 'after', ${sql.unsafe(carried('one.after'))}
    ))::text
    from ${images} as one
  ) as changed`
}

/** The same column for the deleted jobs of the CTE `deleted`, which have no images: how many jobs of each queue. */
export const deletedPerQueue = (sql: Sql, target: Along): Fragment =>
  hasAlong(target, 'delete')
    ? sql`, (
        select jsonb_agg(jsonb_build_object('queue', queue, 'jobs', jobs))::text
        from (select ${sql.unsafe(target.writes.deletedQueue ?? 'null')} as queue, count(*) as jobs from deleted group by 1) as queues
      ) as changed`
    : sql``

/** Does what goes with a change of jobs of the engine, in its transaction. */
export async function bringAlong(
  sql: Sql,
  { writes, found }: Along,
  act: ActWithUndo,
  { changed }: Pick<ChangedRow, 'changed'>,
): Promise<void> {
  if (changed) await writes.along?.(sql, found, act, changed)
}

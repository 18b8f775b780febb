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

/**
 * A further column of the last select of a statement: the changed jobs.
 * @param images rows with `queue`, `native_id`, and the images `before` and `after`
 */
export function carriedJobs(sql: Sql, { writes }: Along, images: Fragment): Fragment {
  const { along, carried = (image) => image } = writes
  if (!along) return sql``
  return sql`, (
    select jsonb_agg(jsonb_build_object(
      'queue', one.queue, 'native_id', one.native_id,
      'before', ${sql.unsafe(carried('one.before'))}, 'after', ${sql.unsafe(carried('one.after'))}
    ))::text
    from ${images} as one
  ) as changed`
}

/** The same column for deleted jobs, which have no images. */
export const deletedJobs = (sql: Sql, { writes }: Along, keys: Fragment): Fragment =>
  writes.along
    ? sql`, (select jsonb_agg(jsonb_build_object('queue', one.queue, 'native_id', one.native_id))::text from ${keys} as one) as changed`
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

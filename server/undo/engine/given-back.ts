import { keptBy, triggersAfter } from '../../bulk/batches/kept-rows.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineActOrEdit } from '../../engines/writes.ts'
import type { EngineTarget } from './target.ts'

/** Images of a job, SQL expressions: before a change, after it, and as its row is now. */
interface Images {
  before: string
  after: string
  now: string
}

/** An SQL condition: a change has left in a row what it is about, or an undo has not given back all of it. */
export function isGivenBack({ writes }: EngineTarget, act: EngineActOrEdit | { act: 'undo' }, images: Images): string {
  const { before, after, now } = images
  if (act.act === 'retry' || act.act === 'cancel') return `${writes.stateOf(before)} = ${writes.stateOf(now)}`
  if (act.act !== 'undo') {
    const columns = writes.about?.(act) ?? []
    if (columns.length === 0) return `${before} = ${now}`
    return columns.map((column) => `${column(before)} is not distinct from ${column(now)}`).join(' and ')
  }
  const [state, ...others] = writes.about?.(act) ?? []
  if (!state) return `${writes.comparable(now)} = ${writes.comparable(after)}`
  const isKept = others.map(
    (column) =>
      `(${column(before)} is distinct from ${column(after)} and ${column(now)} is not distinct from ${column(after)})`,
  )
  return `case when ${state(before)} is distinct from ${state(after)}
    then ${state(now)} is not distinct from ${state(after)} else ${['false', ...isKept].join(' or ')} end`
}

const oidOf = (sql: Sql, { writes, found }: EngineTarget): Fragment => sql`${writes.table(found)}::text::regclass::oid`

/**
 * A further column of the last select of a statement: the images of the rows that it has changed, where the table has a trigger that runs after
 * the statement. Begins with a comma.
 */
export const imagesForTriggers = (sql: Sql, target: EngineTarget, changed: Fragment): Fragment =>
  target.writes.calls
    ? sql``
    : sql`, (
      select jsonb_agg(jsonb_build_object('before', one.before, 'after', one.after))::text
      from ${changed} as one
      where exists (${triggersAfter(sql, oidOf(sql, target))})
    ) as for_triggers`

/**
 * Checks after a statement that no trigger which runs after it has given back what the statement has written. Deferred triggers run now.
 * @throws RowsKept where one has
 */
export async function requireNoneGivenBack(
  tx: Sql,
  target: EngineTarget,
  act: EngineActOrEdit | { act: 'undo' },
  { images, edited }: { images: string | null | undefined; edited: boolean },
): Promise<void> {
  if (!images) return
  const { writes, found } = target
  const triggers = await tx<{ name: string; deferred: string | null }[]>`${triggersAfter(tx, oidOf(tx, target))}`
  const deferred = triggers.flatMap((one) => one.deferred ?? [])
  if (deferred.length > 0) await tx`set constraints ${tx.unsafe([...new Set(deferred)].join(', '))} immediate`
  const now = edited ? `native_image || jsonb_build_object('edited', native_edited)` : 'native_image'
  const [{ kept }] = await tx<[{ kept: number }]>`
    select count(*) as kept
    from jsonb_to_recordset(${images}::text::jsonb) as kept (before jsonb, after jsonb)
    join jobs on ${tx.unsafe(writes.isOfImage('kept.after'))}
    where ${tx.unsafe(isGivenBack(target, act, { before: 'kept.before', after: 'kept.after', now: `(${now})` }))}`
  if (kept > 0)
    throw keptBy(
      { table: writes.table(found), verb: 'update', kept },
      triggers.map(({ name }) => name),
    )
}

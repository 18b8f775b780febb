import { Failure } from '../../../shared/errors.ts'
import { RowsKept } from '../../bulk/change/selection.ts'
import type { Sql } from '../../database/sql.ts'
import type { EngineTarget } from './target.ts'

/** How many jobs a statement has locked, and how many of them it has changed or deleted. */
interface Effect {
  picked: number
  affected: number
}

/**
 * Checks that a statement has changed every job that it has locked. A row trigger before the change, or a rule in place of it, keeps rows as they are.
 * @throws RowsKept where it has not
 */
export async function requireAllChanged(
  tx: Sql,
  { writes, found }: EngineTarget,
  verb: 'update' | 'delete',
  { picked, affected }: Effect,
): Promise<void> {
  if (affected >= picked) return
  const table = writes.table(found)
  const names = await readTriggers(tx, table, verb)
  const kept = picked - affected
  const jobs = kept === 1 ? 'a job as it is' : `${kept.toLocaleString('en-US')} jobs as they are`
  const why =
    names.length === 0
      ? 'it has no trigger or rule that does so, and another transaction may write them again and again'
      : `one of its triggers and rules (${names.join(', ')}) lets no ${verb} of ${kept === 1 ? 'it' : 'them'} through`
  throw new RowsKept(
    new Failure('conflict', `${table} keeps ${jobs}: ${why}; nothing was changed`, {
      hint: 'leave those jobs out by a filter, or change them as the application does for which the trigger was made',
    }),
  )
}

/** The triggers and rules of a table, and of its partitions, that may keep rows from a change, at most four. */
async function readTriggers(tx: Sql, table: string, verb: 'update' | 'delete'): Promise<string[]> {
  const isOfVerb = tx.unsafe(verb === 'delete' ? 'tgtype & 8 = 8' : 'tgtype & 16 = 16')
  const rows = await tx<{ name: string }[]>`
    with tables as (
      select ${table}::text::regclass as id
      union select relid from pg_partition_tree(${table}::text::regclass)
    )
    select distinct quote_ident(tgname) as name
    from pg_trigger
    where tgrelid in (select id from tables) and not tgisinternal and tgenabled <> 'D' and tgtype & 3 = 3 and ${isOfVerb}
    union
    select quote_ident(rulename) from pg_rewrite where ev_class in (select id from tables) and is_instead
    order by name
    limit 4`
  return rows.map(({ name }) => name)
}

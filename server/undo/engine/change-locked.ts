import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import { type EngineTarget, requireSameVersion } from './target.ts'

/** How many jobs a statement has locked, and how many of them it has changed. */
interface Effect {
  picked: number
  affected: number
}

/**
 * Runs a statement that locks jobs and changes or deletes them. Where it has changed fewer than it has locked, another transaction may have written
 * them after its snapshot, and it runs once more: the jobs are locked by then. Those that are left are kept by a trigger or a rule of the table. Such
 * a trigger may write, too, so that its batch is rolled back.
 * @returns the number of changed jobs
 * @throws Failure `conflict` where a trigger or a rule keeps jobs of the batch, or the engine has migrated its tables meanwhile
 */
export async function changeLocked(
  tx: Sql,
  target: EngineTarget,
  verb: 'update' | 'delete',
  run: () => Promise<Effect>,
): Promise<number> {
  const first = await run()
  if (first.affected >= first.picked) return first.affected
  await requireSameVersion(tx, target)
  const again = await run()
  const affected = first.affected + again.affected
  if (affected < first.picked) throw await keptByTable(tx, target, verb, first.picked - affected)
  return affected
}

/** The failure of a batch of which a row trigger before the change, or a rule in place of it, has kept `kept` rows as they are. */
export async function keptByTable(
  tx: Sql,
  { writes, found }: EngineTarget,
  verb: 'update' | 'delete',
  kept: number,
): Promise<Failure> {
  const table = writes.table(found)
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
  const which = rows.length === 0 ? 'a trigger or rule' : rows.map(({ name }) => name).join(', ')
  const [jobs, them] =
    kept === 1 ? ['a job as it is', 'it'] : [`${kept.toLocaleString('en-US')} jobs as they are`, 'them']
  return new Failure(
    'conflict',
    `${table} keeps ${jobs}: ${which} of the table lets no ${verb} of ${them} through; nothing was changed`,
    { hint: 'leave those jobs out by a filter, or change them as the application does for which the trigger was made' },
  )
}

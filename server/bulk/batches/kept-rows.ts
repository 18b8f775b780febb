import { kindOf } from '../../../shared/changes/kinds.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import type { BulkChange, JobSet } from '../change/bulk-change.ts'
import { RangeOutgrown, RowsKept, type Selection } from '../change/selection.ts'
import { isUnchangedSince } from '../token/snapshot.ts'

type RowVerb = 'update' | 'delete'

interface Kept {
  /** The table with its schema, as people read it, and an SQL expression of its oid. */
  table: string
  oid: Fragment
  verb: RowVerb
  /** How many of its rows stayed. */
  kept: number
}

/** The error of a batch whose table has kept rows as they are. */
export async function rowsKept(tx: Sql, kept: Kept): Promise<RowsKept> {
  return keptBy(kept, await readKeepers(tx, kept))
}

/** The same for rows whose old values a trigger has put back. Undefined for a table without a trigger. */
export async function rowsGivenBack(tx: Sql, kept: Kept): Promise<RowsKept | undefined> {
  const names = await readKeepers(tx, kept)
  return names.length === 0 ? undefined : keptBy(kept, names)
}

/** The triggers and rules of a table that may keep rows: a row trigger before the change does so, or a rule in place of it. Four at most. */
async function readKeepers(tx: Sql, { oid, verb }: Pick<Kept, 'oid' | 'verb'>): Promise<string[]> {
  const rows = await tx<{ name: string }[]>`
    select distinct name from (${triggersAndRules(tx, oid, verb)}) as named order by name limit 4`
  return rows.map(({ name }) => name)
}

/** The error of a batch whose table has kept rows as they are by these triggers and rules. */
export function keptBy({ table, verb, kept }: Omit<Kept, 'oid'>, names: readonly string[]): RowsKept {
  const jobs = kept === 1 ? 'a job as it is' : `${kept.toLocaleString('en-US')} jobs as they are`
  const why =
    names.length === 0
      ? 'it has no trigger or rule that does so, and another transaction may write them again and again'
      : `one of its triggers and rules (${names.join(', ')}) lets no ${verb} of ${kept === 1 ? 'it' : 'them'} through`
  return new RowsKept(
    new Failure('conflict', `${table} keeps ${jobs}: ${why}; nothing was changed`, {
      hint: 'leave those jobs out by a filter, or change them as the application does for which the trigger was made',
    }),
  )
}

/** A query of `name`: the triggers of a table and of its partitions, and its rules, that may keep rows from a change. */
function triggersAndRules(sql: Sql, oid: Fragment, verb: RowVerb): Fragment {
  const isOfVerb = sql.unsafe(verb === 'delete' ? 'tgtype & 8 = 8' : 'tgtype & 16 = 16')
  return sql`
    select quote_ident(tgname) as name
    from pg_trigger
    where ${isOfOthers(sql, oid)} and tgtype & 3 = 3 and ${isOfVerb}
    union
    select quote_ident(rulename) from pg_rewrite where ${isRule(sql, oid, verb)}`
}

/**
 * A query of `name`: the triggers of a table and of its partitions that run after an update and may write its rows again. `deferred` is the name, with
 * its schema, of one that waits for the end of the transaction.
 */
export const triggersAfter = (sql: Sql, oid: Fragment): Fragment => sql`
  select distinct quote_ident(tgname) as name,
    case when tginitdeferred then format('%I.%I', (select nspname from pg_namespace join pg_class on pg_namespace.oid = relnamespace where pg_class.oid = tgrelid), tgname) end as deferred
  from pg_trigger
  where ${isOfOthers(sql, oid)} and tgtype & 66 = 0 and tgtype & 16 = 16`

/** An SQL condition on `pg_trigger`: an enabled trigger of another program on a table or on a partition of it. */
const isOfOthers = (sql: Sql, oid: Fragment): Fragment => sql`
  tgrelid in (select ${oid} union select relid::oid from pg_partition_tree(${oid}))
  and not tgisinternal and tgenabled <> 'D' and not starts_with(tgname, 'jobsctl_')`

/** An SQL condition on `pg_rewrite`: true for a rule in place of a change of this table. */
const isRule = (sql: Sql, oid: Fragment, verb: RowVerb): Fragment =>
  sql`ev_class = ${oid} and is_instead and ev_type = ${sql.unsafe(verb === 'delete' ? "'4'" : "'2'")}`

interface Batch {
  selection: Selection
  /** How many jobs were changed. */
  affected: number
}

/**
 * Checks after a batch of our own jobs that changed fewer jobs than it had selected that their table kept none of them. This transaction has then
 * locked a row that nobody has written since the snapshot of the change, and has not written it; or a trigger has written it in place of its
 * deletion. A deletion also cancels jobs, which are not meant. A rule leaves no lock behind. A table without such triggers and rules is not read,
 * and jobs of a range are looked for by their ids alone.
 * @throws RowsKept where the table kept a job; RangeOutgrown where the batch is to run again by ids
 */
export async function requireNoneKept(
  tx: Sql,
  { kind }: Pick<BulkChange<unknown>, 'kind'>,
  { snapshot }: Pick<JobSet, 'snapshot'>,
  { selection, affected }: Batch,
): Promise<void> {
  // An erasure counts the copies of a job, too.
  if (servedBy(tx).mode !== 'own' || (affected >= selection.size && kind !== 'erase')) return
  const verb = kindOf(kind).effect === 'deletes' ? 'delete' : 'update'
  const oid = tx`to_regclass('jobs')::oid`
  const keepers = await readKeepers(tx, { oid, verb })
  if (keepers.length === 0) return
  if (!selection.hasFixedIds) throw new RangeOutgrown()
  const isOurs = (column: string) => tx.unsafe(`jobs.${column} = pg_current_xact_id()::xid`)
  const isLocked = tx`(${isOurs('xmax')} and ${isUnchangedSince(tx, snapshot)} and not ${isOurs('xmin')})`
  const isWritten = verb === 'delete' ? tx`or (${isOurs('xmin')} and jobs.cancelled_at is distinct from now())` : tx``
  const [{ kept, ruled }] = await tx<[{ kept: number; ruled: boolean }]>`
    select count(*) as kept, exists (select from pg_rewrite where ${isRule(tx, oid, verb)}) as ruled
    from jobs
    where ${selection.matches(tx, tx`(${isLocked} ${isWritten})`)}`
  if (kept > 0 || ruled) throw keptBy({ table: 'jobs', verb, kept: Math.max(1, kept) }, keepers)
}

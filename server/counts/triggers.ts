import { isAccessRefused } from '../database/failure.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import type { Pool } from '../database/sql.ts'
import { countTriggers, isCountable } from './trust.ts'

/** Its names, as SQL has them. */
interface Broken {
  trigger: string
  called: string
  schema: string
  /** Who owns what it writes to. */
  owner: string
}

/** Functions that do not find the counts, or may not write them, since a schema was renamed or tables were given away. */
const brokenOnes = (sql: Pool) => sql<Broken[]>`
  select
    quote_ident(proname) as trigger, format('%I.%I()', nspname, proname) as called, quote_ident(nspname) as schema,
    quote_ident(pg_get_userbyid(relowner)) as owner
  from pg_proc
  join pg_namespace on pg_namespace.oid = pronamespace
  join pg_class on pg_class.oid = to_regclass('jobsctl_count_deltas')
  where pg_proc.oid = any(select to_regproc(name) from unnest(${Object.keys(countTriggers)}::text[]) as name)
    and (
      (proconfig @> array[format('search_path=%I, pg_temp', nspname)]) is not true
      or not has_table_privilege(proowner, to_regclass('jobsctl_count_deltas'), 'insert')
      or not has_table_privilege(proowner, to_regclass('jobsctl_counting'), 'select')
    )`

/**
 * With a broken function no program can write jobs any more.
 * @throws the database's own error where one cannot be mended: then it counts no more
 */
export async function repairFunctions(sql: Pool): Promise<void> {
  const broken = await brokenOnes(sql)
  if (broken.length === 0) return
  let why: unknown
  for (const { called, schema, owner } of broken) {
    await sql
      .begin(async (tx) => {
        await tx.unsafe(`alter function ${called} set search_path = ${schema}, pg_temp`)
        await tx.unsafe(`alter function ${called} owner to ${owner}`)
      })
      .catch((error: unknown) => {
        why = error
      })
  }
  const left = await brokenOnes(sql)
  for (const { trigger } of left) await sql.unsafe(`drop trigger if exists ${trigger} on jobs`)
  if (left[0]) throw why ?? new Error(`${left[0].called} may not write the counts`)
}

/**
 * Always, where that may be had: also for the writers of a replication. One that somebody has disabled stays so.
 * @throws the database's own error, such as that this role may make none on a table of another
 */
export async function createTriggers(sql: Pool): Promise<void> {
  const [able] = await sql`select where ${isCountable(sql)}`
  if (!able) return
  const there = await sql<{ name: string; fires: string }[]>`
    select tgname as name, tgenabled as fires from pg_trigger where tgrelid = to_regclass('jobs') and not tgisinternal`
  const missing = Object.entries(countTriggers).filter(([name]) => !there.some((trigger) => trigger.name === name))
  const rare = there
    .filter(({ name, fires }) => Object.hasOwn(countTriggers, name) && fires === 'O')
    .map(({ name }) => name)
  if (missing.length + rare.length === 0) return
  await sql.begin(async (tx) => {
    // Whoever waits for a table lock makes all that come after it wait, too.
    await tx`select set_config('lock_timeout', '200ms', true), ${limitIdleTime(tx)}`
    for (const [name, when] of missing) await tx.unsafe(`create trigger ${name} ${when} execute function ${name}()`)
    for (const name of [...missing.map(([name]) => name), ...rare])
      await tx.savepoint((point) => point.unsafe(`alter table jobs enable always trigger ${name}`)).catch(unlessOwner)
  })
}

/** A role may be allowed to make triggers, and no more. */
function unlessOwner(error: unknown): void {
  if (!isAccessRefused(error)) throw error
}

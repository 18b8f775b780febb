import { Failure } from '../../shared/errors.ts'
import type { BatchCounts } from '../bulk/bulk-change.ts'
import type { Selection } from '../bulk/selection.ts'
import { takeLock } from '../database/advisory-locks.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'
import { columnList } from './archive.ts'

/** What stands in the place of an archived row, called `jobs` here; null where nothing does. */
const taken = staticFragment(
  (sql) => sql`
  case
    when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken'
    when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken'
    when exists (
      select from jobs live
      where live.domain = jobs.domain and live.queue = jobs.queue and live.job_type = jobs.job_type
        and live.idempotency_key = jobs.idempotency_key
      offset 0
    ) then 'its idempotency key was used again'
  end`,
)

/** True for an archived row, called `jobs` here, that can come back. */
export const canBeRestored = staticFragment((sql) => sql`(${taken(sql)}) is null`)

/** Archived rows of an operation that cannot come back, as `(job_id, reason)`. */
export const whyNotRestored = (sql: Sql, operation: number): Fragment => sql`
  select job_id, reason
  from (
    select jobs.id as job_id, ${taken(sql)} as reason from jobs_archive as jobs where operation_id = ${operation}::bigint
  ) as looked
  where reason is not null`

/** Where a batch tells what it could not give back, and why. */
export interface Refusing {
  rejected: Map<number, string>
}

interface GivingBack {
  undoes: number
  selection: Selection
}

/**
 * Moves archived rows of an operation back, with all that hung on them, in one statement.
 * @throws Failure `conflict` when a column has another type now
 */
export async function restoreDeleted(
  tx: Sql,
  { rejected }: Refusing,
  { undoes, selection }: GivingBack,
): Promise<BatchCounts> {
  const jobs = await columnsToFill(tx, 'jobs', 'jobs_archive')
  const attachments = await columnsToFill(tx, 'job_attachments')
  const dependencies = await columnsToFill(tx, 'job_dependencies')
  const [keyed] =
    await tx`select from pg_constraint where conrelid = to_regclass('job_dependencies') and contype = 'f' limit 1`
  // Two ends that come back at once would not see each other.
  if (keyed) await tx`select ${takeLock(tx, 'edges')}`
  const [{ affected, untaken }] = await tx<[{ affected: number; untaken: number[] }]>`
    with picked as materialized (
      select jobs.*, jobs.ctid as jobsctl_place
      from jobs_archive as jobs
      where operation_id = ${undoes}::bigint and ${selection.matches(tx, canBeRestored(tx))}
      for update skip locked
    ),
    back as (
      insert into jobs (${jobs.names}) overriding system value
      select ${jobs.valuesOf('picked')} from picked
      ${jobs.orNothing}
      returning ${which(tx)}
    ),
    -- By a hash: the planner takes a batch for one row where the archive has grown since its statistics, and would
    -- compare each with each.
    returned as materialized (select * from picked where ((${which(tx)}) in (select * from back)) is true),
    taken_out as (
      delete from jobs_archive
      -- Another partition has other rows at the same place.
      where ctid = any(array(select jobsctl_place from returned)) and (operation_id = ${undoes}::bigint) is true
        and ((${which(tx)}) in (select ${which(tx)} from returned)) is true
    ),
    attachments as (
      insert into job_attachments (${attachments.names}) overriding system value
      select ${attachments.valuesOf('attached')}
      from returned
      cross join lateral jsonb_populate_recordset(null::job_attachments, returned.job_attachments) as attached
      ${attachments.orNothing}
    ),
    ${keyed ? tx`${edgesThatWaited(tx)},` : tx``}
    edges as materialized (
      select distinct on (edge.job_uuid, edge.depends_on_job_uuid) edge.*
      from (
        select jsonb_array_elements(job_dependencies) as edge from returned
        ${keyed ? tx`union all select edge from waited` : tx``}
      ) as kept
      cross join lateral jsonb_populate_record(null::job_dependencies, kept.edge) as edge
    ),
    ${keyed ? tx`${edgesThatWait(tx)},` : tx``}
    dependencies as (
      insert into job_dependencies (${dependencies.names})
      select ${dependencies.valuesOf('edge')}
      from edges as edge
      ${keyed ? tx`where ${isThere(tx, tx`edge.job_uuid`)} and ${isThere(tx, tx`edge.depends_on_job_uuid`)}` : tx``}
      ${dependencies.orNothing}
    )
    select
      (select count(*) from back) as affected,
      (select coalesce(jsonb_agg(id), '[]') from picked where ((${which(tx)}) in (select * from back)) is not true) as untaken`
  for (const id of untaken)
    rejected.set(id, 'something of it that must be unique is there again, or a trigger refuses it')
  return { affected }
}

/** What tells one row of `jobs` from another, even where ids were given twice. */
const which = staticFragment((sql) => sql`id, coalesce(uuid::text, '')`)

/** Those that wait for these jobs, whatever operation has put them away. */
const edgesThatWaited = staticFragment(
  (sql) => sql`
  waited as (delete from jobsctl_waiting_edges where uuid = any(array(select uuid::text from returned)) returning edge)`,
)

/** Those of which one end is not there yet, where edges have foreign keys. Without, an edge comes back with its first end. */
const edgesThatWait = staticFragment(
  (sql) => sql`
  waiting as (
    insert into jobsctl_waiting_edges (uuid, edge)
    select missing.uuid::text, to_jsonb(edge)
    from edges as edge
    cross join lateral (values (edge.job_uuid), (edge.depends_on_job_uuid)) as missing (uuid)
    where not ${isThere(sql, sql`missing.uuid`)}
    on conflict do nothing
  )`,
)

/**
 * True for a job that is there, or comes back now. Asked only where edges have foreign keys: those would refuse the whole
 * batch for an edge of which one end is not there.
 */
const isThere = (sql: Sql, uuid: Fragment): Fragment => sql`(
  ${uuid} in (select uuid from returned) or exists (select from jobs live where live.uuid = ${uuid} offset 0)
)`

interface Filled {
  /** `a, b, c` */
  names: Fragment
  /** The same of a row of what is kept. */
  valuesOf: (row: string) => Fragment
  /** Leaves rows that are there already; nothing where a constraint is looked at later: PostgreSQL then refuses this. */
  orNothing: Fragment
}

/**
 * Of the columns of a table those that are stored, not made from others, and in `source`, too. What came to be after the
 * row had been put away, and must not be null, has its default.
 */
async function columnsToFill(tx: Sql, table: string, source = table): Promise<Filled> {
  const columns = await tx<{ name: string; type: string; kept: string; fits: boolean; preset: string | null }[]>`
    select
      own.attname as name,
      format_type(own.atttypid, own.atttypmod) as type,
      format_type(there.atttypid, there.atttypmod) as kept,
      own.atttypid = there.atttypid
        or type.typcategory = 'S'
        or exists (
          select from pg_cast
          where castsource = there.atttypid and casttarget = own.atttypid and castcontext in ('a', 'i')
        ) as fits,
      case when own.attnotnull then pg_get_expr(preset.adbin, preset.adrelid) end as preset
    from pg_attribute own
    join pg_attribute there
      on there.attrelid = to_regclass(${source}) and there.attname = own.attname and not there.attisdropped
    join pg_type type on type.oid = own.atttypid
    left join pg_attrdef preset on preset.adrelid = own.attrelid and preset.adnum = own.attnum
    where own.attrelid = to_regclass(${table}) and own.attnum > 0 and not own.attisdropped and own.attgenerated = ''
    order by own.attnum`
  const [deferrable] = await tx`
    select from pg_index where indrelid = to_regclass(${table}) and not indimmediate limit 1`
  for (const { name, type, kept, fits } of columns) {
    if (fits) continue
    throw new Failure(
      'conflict',
      `the column ${name} of ${table} is ${type} by now, and ${source} has ${kept}; nothing was changed`,
      {
        hint: `give ${source} the same type, and try again`,
      },
    )
  }
  return {
    names: columnList(
      tx,
      columns.map(({ name }) => name),
    ),
    valuesOf: (row) =>
      columns
        .map(({ name, preset }) => {
          const value = columnList(tx, [name], row)
          return preset === null ? value : tx`coalesce(${value}, ${tx.unsafe(preset)})`
        })
        .reduce((list, value) => tx`${list}, ${value}`),
    orNothing: deferrable ? tx`` : tx`on conflict do nothing`,
  }
}

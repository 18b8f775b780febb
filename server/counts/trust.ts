import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { listingFunctions } from './group-list.ts'

/**
 * The triggers that keep the counts of live jobs (`migrations/0006_counts.sql`, `0049_groups.sql`), by name, with their timing and event.
 * The counts are trusted only while the triggers are the same ones as when the counts were last compared with the jobs. A trigger that is
 * disabled, a dump that is restored and a table that is truncated are noticed by the next reader.
 */
export const countTriggers = {
  jobsctl_count_insert: 'after insert on jobs referencing new table as fresh for each statement',
  jobsctl_count_update: 'after update on jobs referencing old table as gone new table as fresh for each statement',
  jobsctl_count_delete: `after delete on jobs for each row when (old.status in ('queued', 'processing', 'quarantined'))`,
  jobsctl_count_truncate: 'after truncate on jobs for each statement',
}

/** The triggers of `jobs` with partitions, and of each partition: a statement fires those of the table that it names (`0065_counted_partitions.sql`, `0066_attached_partitions.sql`). */
export const partitionTriggers = {
  jobsctl_count_insert: countTriggers.jobsctl_count_insert,
  jobsctl_count_update: countTriggers.jobsctl_count_update,
  jobsctl_count_deleted: 'after delete on jobs referencing old table as gone for each statement',
  jobsctl_count_attached: 'after insert or update or delete on jobs for each statement',
  jobsctl_count_truncate: countTriggers.jobsctl_count_truncate,
}

/** The columns that no call changes. A job would move to another partition by a change of the others. */
const fixedColumns = ['id', 'uuid', 'domain', 'job_type', 'created_at']

/** Defines the CTE `tree (id, made)` of a statement `with recursive`: `jobs` and its partitions at every level, each with what its attachment changes. */
const tree = staticFragment(
  (sql) => sql`
  tree as (
    select to_regclass('jobs')::oid as id, null::xid as made
    union all
    select inhrelid, pg_inherits.xmin from tree join pg_inherits on inhparent = tree.id
  )`,
)

/** True where `jobs` has partitions whose key no call changes. Each of them is a logged table of PostgreSQL. */
const hasCountablePartitions = staticFragment(
  (sql) => sql`not exists (
    with recursive ${tree(sql)}
    select
    from tree
    join pg_class as part on part.oid = tree.id
    left join pg_partitioned_table as keyed on keyed.partrelid = tree.id
    where part.relkind not in ('r', 'p') or part.relpersistence <> 'p'
      -- An expression has the number 0.
      or exists (
        select
        from unnest(keyed.partattrs) as key
        where not exists (
          select from pg_attribute where attrelid = tree.id and attnum = key and attname = any(${fixedColumns}::text[])
        )
      )
  )`,
)

/** True where `jobs` is a plain, logged table of which this role sees every row, and no part of another inheritance. */
const isPlain = staticFragment(
  (sql) => sql`exists (
  select from pg_class
  where oid = to_regclass('jobs') and relkind = 'r' and relpersistence = 'p' and not row_security_active(oid)
    and not exists (select from pg_inherits where pg_class.oid in (inhrelid, inhparent))
)`,
)

/** True where `jobs` has partitions that triggers can count, and this role sees every row. */
const isPartitioned = staticFragment(
  (sql) => sql`exists (
  select from pg_class
  where oid = to_regclass('jobs') and relkind = 'p' and relpersistence = 'p' and not row_security_active(oid)
    and not relispartition and ${hasCountablePartitions(sql)}
)`,
)

/**
 * True where triggers can count the jobs. Triggers of another table in an inheritance tree see only the rows that are written under the name of
 * that table.
 */
export const isCountable = staticFragment((sql) => sql`(${isPlain(sql)} or ${isPartitioned(sql)})`)

const hasPartitions = staticFragment((sql) => sql`(select relkind = 'p' from pg_class where oid = to_regclass('jobs'))`)

/** An expression: the ids of `jobs` and its partitions, in their order; empty where it has none. */
export const partitionedTables = staticFragment(
  (sql) => sql`case
    when ${hasPartitions(sql)} then (with recursive ${tree(sql)} select array_agg(id order by id) from tree)
    else '{}'::oid[]
  end`,
)

/**
 * An expression over `jobsctl_counting`: a text that changes when a trigger or the file of `jobs` or of a partition changes, and when a partition is
 * attached or detached. A catalog row that is written gets another `xmin`, and a table that is rewritten another file. Null unless all triggers
 * exist, fire, and append to the tables of this schema. For `jobs` with partitions a text does not tell that these are countable (`isCountable`),
 * which takes longer to find out and changes only together with the text.
 */
const signature = staticFragment(
  (sql) => sql`case when tables = '{}' then ${signatureOfPlain(sql)} else ${signatureOfPartitions(sql)} end`,
)

/** Servers of version 0.2.0 compare this text, too. */
const signatureOfPlain = (sql: Sql): Fragment => sql`(
  select string_agg(concat_ws('.', oid, xmin, tgenabled), ' ' order by tgname) || ' ' || pg_relation_filenode(to_regclass('jobs'))
  from pg_trigger
  where tgrelid = to_regclass('jobs') and tgname = any(${Object.keys(countTriggers)}::text[]) and tgenabled in ('O', 'A')
    and tgfoid = to_regproc(tgname)
    and ${isPlain(sql)}
  having count(*) = ${Object.keys(countTriggers).length}::int
)`

/** Null unless `tables` are the table and its partitions of now, of which this role sees every row. */
const signatureOfPartitions = (sql: Sql): Fragment => sql`(
  select md5(fired.text || attached.text)
  from (
    select string_agg(concat_ws('.', oid, xmin, tgenabled), ' ' order by oid) as text
    from pg_trigger
    where tgrelid = any(tables) and tgenabled in ('O', 'A')
      -- The functions are looked up once, since to do so for each trigger takes longer than all else.
      and tgfoid = (array(
        select to_regproc(name)::oid from unnest(${Object.keys(partitionTriggers)}::text[]) with ordinality as known (name, at) order by at
      ))[array_position(${Object.keys(partitionTriggers)}::text[], tgname::text)]
    having count(*) = ${Object.keys(partitionTriggers).length}::int * cardinality(tables)
  ) as fired
  cross join (
    select coalesce(string_agg(concat_ws('.', inhrelid, xmin, pg_relation_filenode(inhrelid)), ' ' order by inhrelid), '') as text
    from pg_inherits
    where inhparent = any(tables)
    having coalesce(array_agg(inhrelid order by inhrelid), '{}') = array_remove(tables, to_regclass('jobs')::oid)
  ) as attached
  where exists (
    select from pg_class where oid = to_regclass('jobs') and not relispartition and not row_security_active(oid)
  )
)`

/** A query of one row, `same`: whether the triggers and partitions are still those of a signature. */
export const isStillSigned = (sql: Sql, triggers: string): Fragment => sql`
  select coalesce((select ${signature(sql)} = ${triggers} from jobsctl_counting), false) as same`

/** An expression over `jobsctl_counting`: the signature when the counts were last found right; null when they cannot be trusted. */
const trustedSignature = staticFragment(
  (sql) => sql`
  case
    when until > now() and jobs = to_regclass('jobs') and not exists (select from jobsctl_count_deltas where span is null)
    then triggers
  end`,
)

/** A query of one row, `trusted`: whether the counts can be trusted now. */
export const trustCondition = staticFragment(
  (sql) => sql`
  select coalesce((select ${trustedSignature(sql)} = ${signature(sql)} from jobsctl_counting), false) as trusted`,
)

/**
 * Jobs that fall due before this time are counted in the index, later ones by the minute, the hour or the day. It is up to
 * two minutes away, because the statement may see a transaction that began a little after it.
 */
export const nearFutureEnd = staticFragment((sql) => sql`(date_trunc('minute', now(), 'UTC') + interval '2 minutes')`)

/** The cells that together hold each job once that is due after `nearFutureEnd`: to the end of the hour, of the day, and all days. */
const windows = staticFragment(
  (sql) => sql`
  select span, first, last
  from (select ${nearFutureEnd(sql)} as minute) as near
  cross join lateral (select date_trunc('hour', minute + interval '59 minutes', 'UTC') as hour) as hours
  cross join lateral (select date_trunc('day', hour + interval '23 hours', 'UTC') as day) as days
  cross join lateral (values
    ('minute', minute, hour - interval '1 minute'),
    ('hour', hour, day - interval '1 hour'),
    ('day', day, 'infinity'::timestamptz)
  ) as cells (span, first, last)`,
)

/**
 * A query of the rows of the sums and of the appended rows that count now. They have the `queued` jobs of a group and, in rows of their
 * own, those of them that are due `later` than `nearFutureEnd`. A group has several rows.
 */
export const countedCells = staticFragment(
  (sql) => sql`
  select domain, queue, job_type, queued, 0 as later, processing, quarantined
  from jobsctl_counts
  where span = '' and starts = '-infinity'
  union all
  select domain, queue, job_type, queued, 0, processing, quarantined
  from jobsctl_count_deltas
  where span = ''
  union all
  select domain, queue, job_type, 0, queued, 0, 0
  from (${windows(sql)}) as cell
  join jobsctl_counts as kept on kept.span = cell.span and kept.starts between cell.first and cell.last
  union all
  select domain, queue, job_type, 0, queued, 0, 0
  from jobsctl_count_deltas as kept
  join (${windows(sql)}) as cell on kept.span = cell.span and kept.starts between cell.first and cell.last`,
)

/** Expressions over the cells of one group: `queued` jobs in all, `later` for the part of them that is due after `nearFutureEnd`, and the others. */
export const cellSums = staticFragment(
  (sql) => sql`
    sum(queued)::bigint as queued,
    sum(later)::bigint as later,
    sum(processing)::bigint as processing,
    sum(quarantined)::bigint as quarantined`,
)

/** The state of the counts. */
export interface CountsState {
  /** Whether triggers can count the jobs at all. */
  countable: boolean
  /** The signature of the triggers; null when one is missing or disabled, or cannot count. */
  triggers: string | null
  /** The signature when the counts were last found right; null when the jobs must be counted again. */
  trusted: string | null
  /** Milliseconds since the counts were last found right. */
  age: number | null
  mended_at: string | null
  mended: number | null
  /** The functions of triggers that append a row for every group; null where they do not, or such a row would not serve. */
  functions: string | null
  /** Those functions when all transactions had ended that may have run earlier ones. */
  listing: string | null
}

/** Why triggers cannot count the jobs, where they cannot, as a clause. */
export async function whyNotCountable(sql: Sql): Promise<string> {
  const [row] = await sql<{ keys: string | null; parts: boolean }[]>`
    select
      relkind = 'p' and not relispartition and relpersistence = 'p' and not row_security_active(oid) as parts,
      case relkind when 'p' then pg_get_partkeydef(oid) end as keys
    from pg_class where oid = to_regclass('jobs')`
  return row?.parts
    ? `jobs has partitions by ${row.keys}, or partitions of these, by what a change of a job changes, or some that are no logged tables; the counts need keys among ${fixedColumns.join(', ')}`
    : 'jobs is not a plain table, or hides rows from this role'
}

/** The state of the counts; without a row in `jobsctl_counting` they have never been compared. */
export async function readCountsState(sql: Sql): Promise<CountsState> {
  const [state] = await sql<CountsState[]>`
    select
      ${isCountable(sql)} as countable,
      case when tables = '{}' or ${isPartitioned(sql)} then ${signature(sql)} end as triggers,
      ${trustedSignature(sql)} as trusted,
      (extract(epoch from now() - checked_at) * 1000)::float8 as age,
      mended_at,
      mended,
      ${listingFunctions(sql)} as functions,
      functions as listing
    from jobsctl_counting`
  const never = {
    triggers: null,
    trusted: null,
    age: null,
    mended_at: null,
    mended: null,
    functions: null,
    listing: null,
  }
  return state ?? { countable: true, ...never }
}

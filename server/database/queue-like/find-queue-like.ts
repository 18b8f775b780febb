import { escaped } from '../../../shared/text/escape.ts'
import { type EngineSign, findEngines, needsNoMap } from '../connection/other-engines.ts'
import { tablesOfMigrations } from '../migrate/migrations.ts'
import type { Sql } from '../sql.ts'
import { withinReadTime } from '../timeouts.ts'
import { roles } from './words.ts'

/** A table that looks like somebody's queue. */
export interface QueueLike {
  /** The table with its schema, as SQL has it. */
  relation: string
  /** The two parts, without quotes. */
  nspname: string
  name: string
  /** About how many rows; negative where nobody has counted. */
  rows: number
}

/** More tables than this are no longer told one by one. */
const most = 20

/**
 * Finds the tables that look like queues, by the names of their columns alone. One column tells the state of a row. Another says that a worker takes the
 * row: a lock, attempts, the time when it is due, a queue, or the name of the table. Enough of this stands together. The tables of
 * pg-boss, BullMQ, graphile-worker, Solid Queue and of `jobs-server` are left out: no map is for them. Only reads, for at most 5 s.
 * @param schemas only tables of these, without quotes
 * @returns the most likely ones first; undefined where 5 s were not enough
 */
export async function findQueueLike(sql: Sql, schemas?: readonly string[]): Promise<QueueLike[] | undefined> {
  const ours = await tablesOfMigrations()
  return withinReadTime(sql, async (tx) => {
    const found = [...(await readQueueLike(tx, { schemas, ours }))]
    const withoutMap = found.length === 0 ? [] : (await findEngines(tx)).filter(({ engine }) => needsNoMap(engine))
    return found.filter((one) => withoutMap.every((sign) => !isOfEngine(one, sign)))
  })
}

/** A table of an engine: any in a schema that it has for itself, and in `public` the one by which it is known and those named after it. */
const isOfEngine = ({ nspname, name }: QueueLike, sign: EngineSign): boolean =>
  nspname === sign.nspname &&
  (nspname !== 'public' ||
    name === sign.table ||
    name.startsWith(`${sign.table.replace(/s$/, '')}_`) ||
    /^solid_queue_/.test(name))

const readQueueLike = (
  sql: Sql,
  { schemas, ours }: { schemas: readonly string[] | undefined; ours: readonly string[] },
) =>
  sql<QueueLike[]>`
    with words as (
      select word, role
      from pg_catalog.jsonb_each(${JSON.stringify(Object.fromEntries(roles))}::text::jsonb) as named (role, words),
        pg_catalog.jsonb_array_elements_text(words) as listed (word)
    ),
    tables as materialized (
      select pg_class.oid, pg_class.relnamespace, nspname, relname, pg_catalog.lower(pg_catalog.translate(relname, '_- ', '')) as plain
      from pg_catalog.pg_class
      join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
      where relkind in ('r', 'p') and not relispartition and relpersistence <> 't'
        and nspname !~ '^pg_' and nspname not in ('information_schema', 'jobsctl')
        and (${schemas === undefined}::boolean or nspname in (select pg_catalog.jsonb_array_elements_text(${JSON.stringify(schemas ?? [])}::text::jsonb)))
    ),
    -- One pass over the columns of the database: names are compared as texts without capitals and underscores.
    told as (
      select
        attrelid,
        pg_catalog.array_agg(role) as has,
        pg_catalog.count(distinct role) filter (where role in ('state', 'completed', 'failed', 'locked', 'attempts', 'due', 'queue', 'error', 'payload')) as signs
      from pg_catalog.pg_attribute
      join tables on tables.oid = attrelid
      join words on word = pg_catalog.lower(pg_catalog.translate(attname, '_- ', ''))
      -- A name such as done tells a time, or yes or no.
      where attnum > 0 and not attisdropped and (role not in ('completed', 'failed', 'cancelled') or atttypid <> 'boolean'::pg_catalog.regtype)
      group by attrelid
    ),
    judged as (
      select
        tables.*,
        plain ~ '(jobs?|queues?|tasks?|outbox|workitems?)$' or plain ~ '^(jobs?|queues?|tasks?|outbox)' as is_named,
        has && array['state', 'isCompleted', 'isProcessing', 'isFailed'] as has_state,
        has && array['completed', 'failed'] as has_end,
        has && array['locked', 'lockedBy', 'lease', 'isProcessing'] as has_lock,
        signs,
        has
      from told
      join tables on tables.oid = attrelid
    ),
    pointed as (
      select
        judged.*,
        2 * is_named::int + 2 * has_state::int + has_end::int + 3 * has_lock::int + 2 * ('attempts' = any(has))::int
          + 2 * ('due' = any(has))::int + 2 * ('queue' = any(has))::int + ('error' = any(has))::int
          + ('payload' = any(has))::int + ('kind' = any(has))::int as points
      from judged
      where (has_state or has_end or has_lock)
        and (is_named or has_lock or has && array['attempts', 'due', 'queue'])
        and signs >= case when is_named then 2 else 3 end
    )
    select
      pg_catalog.format('%I.%I', nspname, relname) as relation,
      nspname::text as nspname,
      relname::text as name,
      -- A table with partitions has the rows of its parts.
      (
        select coalesce(pg_catalog.sum(part.reltuples), -1)::bigint
        from pg_catalog.pg_class as part
        where part.relkind = 'r' and part.reltuples >= 0
          and (part.oid = pointed.oid or part.oid in (select relid from pg_catalog.pg_partition_tree(pointed.oid)))
      ) as rows
    from pointed
    where points >= 5
      and not exists (
        select from pg_catalog.pg_depend
        where classid = 'pg_catalog.pg_class'::regclass and objid = pointed.oid and deptype = 'e'
      )
      and not (relname = 'jobs' and 4 = (
        select pg_catalog.count(*)
        from pg_catalog.pg_attribute
        where attrelid = pointed.oid and attname in ('domain', 'queue', 'job_type', 'status') and not attisdropped
      ))
      -- Archives of jobs of other engines are made by no migration: each has the column job_schema.
      and not (
        (
          relname in (select pg_catalog.jsonb_array_elements_text(${JSON.stringify(ours)}::text::jsonb))
          or exists (select from pg_catalog.pg_attribute where attrelid = pointed.oid and attname = 'job_schema')
        )
        and exists (select from pg_catalog.pg_class as beside where beside.relnamespace = pointed.relnamespace and beside.relname = 'jobsctl_migrations')
      )
    order by points desc, rows desc, relation
    limit ${most}::int`

const told = 3

/**
 * The beginning of a hint where tables of a database look like queues: `app.email_jobs looks like a queue: jobs-server init --detect`.
 * @returns undefined where none does
 */
export async function queueLikeHint(sql: Sql): Promise<string | undefined> {
  const found = (await findQueueLike(sql)) ?? []
  const [first, ...others] = found.slice(0, told).map(({ relation }) => escaped(relation))
  if (first === undefined) return undefined
  const more = found.length > told ? `, and ${found.length - told} more` : ''
  return others.length === 0
    ? `${first} looks like a queue: jobs-server init --detect`
    : `${[first, ...others].join(', ')}${more} look like queues: jobs-server init --detect`
}

import type { Sql } from '../sql.ts'

/** How the catalog tells that an engine runs its jobs in a database: a table with these columns, and other tables in the same schema. */
interface Sign {
  engine: string
  table: string
  columns: string[]
  /** Tables without which the table is only a copy, such as a backup of it. */
  beside: string[]
}

const sign = (engine: string, table: string, columns: string, beside = ''): Sign => ({
  engine,
  table,
  columns: columns.split(' '),
  beside: beside.split(' ').filter(Boolean),
})

const signs: readonly Sign[] = [
  sign('pg-boss', 'job', 'id name state start_after', 'queue version'),
  sign('pg-boss before 10', 'job', 'id name state startafter', 'version'),
  sign(
    'graphile-worker',
    '_private_jobs',
    'id task_id payload run_at',
    'migrations _private_tasks _private_job_queues',
  ),
  sign('graphile-worker before 0.16', 'jobs', 'id task_identifier payload run_at', 'migrations'),
  sign('bullmq', 'job', 'id queue state lock_token', 'migration meta job_log'),
  sign('BullMQ 6.0.0 to 6.0.2', 'bullmq_job', 'id queue state lock_token', 'bullmq_migration'),
  sign('River', 'river_job', 'id kind state args'),
  sign('Oban', 'oban_jobs', 'id worker state args'),
  sign('GoodJob', 'good_jobs', 'id queue_name serialized_params'),
  sign('Solid Queue', 'solid_queue_jobs', 'id queue_name class_name'),
  sign('Que', 'que_jobs', 'job_class queue run_at'),
  sign('Procrastinate', 'procrastinate_jobs', 'id task_name queue_name status'),
  sign('Delayed Job', 'delayed_jobs', 'id handler run_at locked_by'),
  sign('queue_classic', 'queue_classic_jobs', 'id q_name method args'),
  sign('Hangfire', 'job', 'id statename invocationdata', 'state jobqueue'),
  sign('JobRunr', 'jobrunr_jobs', 'id jobasjson state'),
  sign('db-scheduler', 'scheduled_tasks', 'task_name task_instance execution_time'),
]

/** A table by which an engine is known. */
export interface EngineSign {
  engine: string
  /** The schema and the table, as quoted names. */
  schema: string
  table: string
  /** The schema without quotes. */
  nspname: string
  /** What the planner believes; negative where nobody has counted. */
  rows: number
  database: string
}

/** The engines whose jobs this version works on. */
export const servedEngines: readonly string[] = ['pg-boss', 'bullmq', 'graphile-worker']

/** Whether no map is for the tables of an engine: they are served without one, or the state of a job is not in its row. */
export const needsNoMap = (engine: string): boolean => /^(?:pg-boss|bullmq|graphile-worker|solid queue)/i.test(engine)

/** The maps of the package that look at the jobs of other engines, by the engine. */
export const shippedMaps: ReadonlyMap<string, string> = new Map([
  ['River', 'river'],
  ['Oban', 'oban'],
  ['GoodJob', 'good_job'],
])

/** Reads, in one statement, which engines keep jobs in the database. A backup of a table of theirs is no engine. */
export const findEngines = async (sql: Sql): Promise<EngineSign[]> => [
  ...(await sql<EngineSign[]>`
    select
      engine,
      pg_catalog.quote_ident(nspname) as schema,
      pg_catalog.quote_ident(relname) as "table",
      nspname::text as nspname,
      -- A table with partitions has the rows of its parts.
      (
        select coalesce(pg_catalog.sum(part.reltuples), -1)::bigint
        from pg_catalog.pg_class as part
        where part.relkind = 'r' and part.reltuples > 0
          and (part.oid = pg_class.oid or part.oid in (select relid from pg_catalog.pg_partition_tree(pg_class.oid)))
      ) as rows,
      pg_catalog.current_database() as database
    from pg_catalog.jsonb_to_recordset(${JSON.stringify(signs)}::text::jsonb)
      as known (engine text, "table" text, columns jsonb, beside jsonb)
    join pg_catalog.pg_class on relname = known."table" and relkind in ('r', 'p') and relpersistence <> 't'
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where not exists (
        select
        from pg_catalog.jsonb_array_elements_text(columns) as needed (name)
        where not exists (
          select
          from pg_catalog.pg_attribute
          where attrelid = pg_class.oid and attname = needed.name and attnum > 0 and not attisdropped
        )
      )
      and not exists (
        select
        from pg_catalog.jsonb_array_elements_text(beside) as needed (name)
        where not exists (
          select
          from pg_catalog.pg_class as other
          where other.relnamespace = pg_class.relnamespace and other.relname = needed.name and other.relkind in ('r', 'p')
        )
      )
    order by engine, schema`),
]

import { longestTerms } from '../../auth/sessions/session-terms.ts'
import type { ServerContext } from '../../call.ts'
import { orWithoutRight } from '../../database/errors/failure.ts'
import { type DoneTask, readTasks } from '../../database/installation/background-tasks.ts'
import { readFreeze } from '../../database/installation/freeze.ts'
import { readDifferences, readInstallation } from '../../database/installation/installation.ts'
import { readOrigin } from '../../database/installation/origin.ts'
import type { ReadReplica } from '../../database/replica/read-replica.ts'
import { type Fragment, type Sql, tableParts } from '../../database/sql.ts'
import { keepsRecords, servedBy } from '../../engines/served.ts'
import { hourDays, minuteDays } from '../../history/history-retention.ts'
import { readHistoryState } from '../../history/history-state.ts'
import { missingArchiveColumns } from '../../undo/archive/archive.ts'
import type { OutputOf } from '../handlers.ts'
import { planDays } from '../plans/plan-row.ts'
import { keptCounts } from './check-counts.ts'
import { readEventLog } from './event-log.ts'
import { readRights } from './rights.ts'

type Storage = OutputOf<'storage'>

/** The size of the jobs and of their history with all partitions, by the statistics of PostgreSQL. */
export async function storage({
  sql,
  archiveBeforeDelete,
  archiveDays,
  background,
  databaseAddress,
  planHours,
  replica,
}: ServerContext): Promise<OutputOf<'storage'>> {
  // The archive of another engine has the columns of its own table, and each change compares them.
  const archive_lacks = servedBy(sql).mode === 'own' ? await missingArchiveColumns(sql) : []
  const counts = servedBy(sql).mode === 'own' ? await orWithoutRight(keptCounts(sql), undefined) : undefined
  const rights = await readRights(sql)
  // PostgreSQL refuses the whole statement for one table that the role may not read, and the report on rights would not be seen.
  const unreadable = Object.entries(oldestOf)
    .filter(([, query]) => isDenied(query, rights.denied))
    .map(([table]) => table)
  const without = [...unreadable, ...(archive_lacks.length > 0 ? ['jobs_archive'] : [])]
  const tables = await sql<OutputOf<'storage'>['tables']>`
    select relname as table, rows, bytes, oldest
    from (
      select
        relname,
        parts.rows,
        parts.bytes,
        case relname ${oldestTimes(sql, without)} end as oldest,
        at
      from unnest(array[
        'jobs', 'jobs_archive', 'job_events', 'job_operations', 'job_operation_rows',
        'jobsctl_counts', 'jobsctl_transitions', 'jobsctl_history_minutes', 'jobsctl_history_hours', 'jobsctl_history_totals',
        'jobsctl_depths', 'jobsctl_marks', 'jobsctl_sessions', 'jobsctl_plans'
      ]) with ordinality as named (name, at)
      join pg_class on pg_class.oid = to_regclass(name)
      cross join lateral (
        select
          coalesce(sum(coalesce(nullif(pg_stat_get_live_tuples(part.oid), 0), greatest(part.reltuples, 0)::bigint)), 0)::bigint as rows,
          coalesce(sum(pg_total_relation_size(part.oid)), 0)::bigint as bytes
        from ${tableParts(sql, sql`pg_class.oid`)} as parts
        -- A table with partitions has no rows of its own.
        join pg_class as part on part.oid = parts.part and part.relkind <> 'p'
      ) as parts
    ) as measured
    order by at`
  const tasks = await orWithoutRight(readTasks(sql), [])
  const cloned = await orWithoutRight(readDifferences(sql, databaseAddress), undefined)
  return {
    archive_before_delete: archiveBeforeDelete,
    archive_lacks,
    archive_days: await orWithoutRight(longestTerm(sql, archiveDays), archiveDays),
    differing_settings: await orWithoutRight(differingSettings(sql), []),
    rights,
    event_log: await orWithoutRight(readEventLog(sql), undefined),
    frozen: await orWithoutRight(
      readFreeze(sql).then((freeze) => freeze ?? null),
      undefined,
    ),
    ...(cloned && { cloned, copied: cloned.length > 0 }),
    restores_not_noticed: await restoresNotNoticed(sql),
    // A server that keeps no records does not have the database remember anything.
    installation_known: keepsRecords(sql)
      ? await orWithoutRight(
          readInstallation(sql).then((installation) => installation !== undefined),
          undefined,
        )
      : undefined,
    counts,
    history_triggers: await orWithoutRight(
      readHistoryState(sql).then(({ triggers }) => triggers),
      undefined,
    ),
    background,
    ...(replica && { replica: await replicaNow(replica) }),
    tables: tables.map((table) => ({ ...table, ...termOf(table, planHours), ...sweptAt(table, tasks) })),
  }
}

/** Whether the replica answers reads, and why not. */
async function replicaNow({ look }: ReadReplica): Promise<Storage['replica']> {
  const { asOf, why, lag } = await look()
  return { reads: asOf !== undefined, why, lag_seconds: lag }
}

/** What a server with this role would not notice; earlier previews and plans would then be taken again at some time. */
async function restoresNotNoticed(sql: Sql): Promise<string[] | undefined> {
  const origin = await readOrigin(sql)
  if (origin === undefined) return undefined
  return [
    ...(origin.system === null
      ? ['a restore into another PostgreSQL cluster (the role may not call pg_control_system())']
      : []),
    ...(origin.timeline === null
      ? [
          'a failover or a recovery to a point in time (the role may not call pg_walfile_name() and pg_current_wal_lsn())',
        ]
      : []),
  ]
}

/** The time of the oldest row, by table. */
const oldestOf: Readonly<Record<string, string>> = {
  jobs: 'select created_at from jobs order by id limit 1',
  job_events: 'select created_at from job_events order by id limit 1',
  job_operations: 'select started_at from job_operations order by id limit 1',
  jobsctl_history_minutes: 'select min(starts) from jobsctl_history_minutes',
  jobsctl_history_hours: 'select min(starts) from jobsctl_history_hours',
  jobsctl_history_totals: 'select since from jobsctl_history',
  jobsctl_depths: 'select min(moment) from jobsctl_depth_moments',
  jobsctl_marks: 'select min(created_at) from jobsctl_marks',
  jobsctl_sessions: 'select min(opened_at) from jobsctl_sessions',
  jobsctl_plans: 'select min(created_at) from jobsctl_plans',
  jobs_archive: 'select archived_at from jobs_archive where operation_id is not null order by operation_id, id limit 1',
}

/** True where the role may not read the table of a query, or one of the columns in it: `select (payload) on jobs`. */
function isDenied(query: string, denied: readonly string[]): boolean {
  const words = query.split(/\W+/)
  const table = words[words.indexOf('from') + 1]
  return denied.some((right) => {
    const [, columns, of] = /^select (?:\((.*)\) )?on (\w+)$/.exec(right) ?? []
    return of === table && (columns?.split(', ').some((column) => words.includes(column)) ?? of !== undefined)
  })
}

/** The branches of a `case` over tables: the time of the oldest row, and null for the tables in `without`. */
const oldestTimes = (sql: Sql, without: readonly string[]): Fragment =>
  sql.unsafe(
    Object.entries(oldestOf)
      .map(([table, oldest]) => `when '${table}' then ${without.includes(table) ? 'null' : `(${oldest})`}`)
      .join(' '),
  )

/** The number of days for which rows are kept. */
function termOf({ table }: Storage['tables'][number], planHours: number): { days?: number } {
  if (table === 'jobsctl_history_minutes') return { days: minuteDays }
  if (table === 'jobsctl_plans') return { days: Math.ceil(planHours / 24) + planDays }
  if (table === 'jobsctl_sessions') return { days: longestTerms.longest / 86_400 }
  return table === 'jobsctl_history_hours' || table === 'jobsctl_depths' ? { days: hourDays } : {}
}

/** The task that looks for rows of a table whose term is over. */
const taskOf: Readonly<Record<string, string>> = {
  job_events: 'events',
  jobsctl_history_minutes: 'history',
  jobsctl_history_hours: 'history',
  jobsctl_depths: 'history',
  jobs_archive: 'maintenance',
  jobsctl_sessions: 'maintenance',
  jobsctl_plans: 'maintenance',
}

function sweptAt({ table }: Storage['tables'][number], tasks: readonly DoneTask[]): { swept_at?: string } {
  const done = tasks.find(({ task }) => task === taskOf[table])
  return done ? { swept_at: new Date(done.succeeded * 1000).toISOString() } : {}
}

async function longestTerm(sql: Sql, archiveDays: number): Promise<number> {
  const [row] = await sql<[{ days: number }]>`
    select greatest(${archiveDays}::int, max(archive_days)) as days
    from jobsctl_operation_terms
    join job_operations on job_operations.id = operation_id
    where ended_at > now() - archive_days * interval '24 hours'`
  return row.days
}

/** Settings with different values on the servers that wrote theirs within the last 2 minutes. */
const differingSettings = async (sql: Sql): Promise<Storage['differing_settings']> => [
  ...(await sql<Storage['differing_settings']>`
    select entry.key as setting,
      jsonb_agg(jsonb_build_object('server', name, 'value', entry.value) order by name) as values
    from jobsctl_servers as server
    cross join jsonb_each_text(server.settings) as entry
    where seen_at > now() - interval '2 minutes'
    group by entry.key
    having count(distinct entry.value) > 1
    order by entry.key`),
]

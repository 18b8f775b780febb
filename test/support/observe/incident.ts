import type postgres from 'postgres'
import driver from 'postgres'
import type { Pool } from '../../../server/database/sql.ts'
import { makeToken } from '../access/tokens.ts'
import { emptyDatabase, newDatabase } from '../database/database.ts'
import { makeBullMq } from '../engines/bullmq.ts'
import { makePgBoss, makeQueue } from '../engines/pg-boss.ts'
import { startServer } from '../programs/built.ts'
import { runServer } from '../programs/spawn-server.ts'

/** Jobs of the queue `high` fail since half an hour, three minutes after a deployment; those of `bulk` go well. */
export const incident = {
  queue: 'high',
  message: '550 5.1.1 mailbox unavailable',
  failedEverySeconds: 5,
  minutes: 31,
  /** Among our own jobs. */
  otherQueues: 1000,
  mark: { text: 'deploy 4711', by: 'ann', minutesBefore: 3 },
} as const

export const incidentKinds = ['own', 'pg-boss', 'bullmq'] as const
type IncidentKind = (typeof incidentKinds)[number]

/** A server over jobs with the incident. */
export interface IncidentWorld {
  url: string
  sql: Pool
  domain: string
  /** The token of an operator who is not the author of the mark. */
  token: string
  stop: () => Promise<void>
}

/** Makes the tables, the jobs of the incident and the mark, and starts a server that may change jobs. */
export async function openIncident(kind: IncidentKind): Promise<IncidentWorld> {
  const database = kind === 'own' ? await newDatabase('postgres') : await emptyDatabase()
  const env = { ...database.env, AUTH_MODE: 'multi_user', JOBS_DB_POOL: '8' }
  const sql = driver(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  if (kind === 'pg-boss') await fillPgBoss(sql)
  if (kind === 'bullmq') await fillBullMq(sql)
  if (kind !== 'own') await runServer(['migrate', '--engine', kind], database.env)
  const server = await startServer(env)
  await server.prepared
  if (kind === 'own') await fillOwn(sql)
  const [ann, token] = [
    await makeToken(server.sql, incident.mark.by, 'operator'),
    await makeToken(server.sql, 'bob', 'operator'),
  ]
  await server.sql`
    insert into jobsctl_marks (text, caller, created_at)
    values (
      ${incident.mark.text}, ${ann.split('_')[1] ?? ''},
      now() - ${incident.minutes + incident.mark.minutesBefore}::int * interval '1 minute'
    )`
  return {
    ...{
      url: server.url,
      sql: server.sql,
      token,
      domain: kind === 'own' ? 'mail' : kind === 'pg-boss' ? 'pgboss' : 'bullmq',
    },
    stop: async () => {
      await server.stop()
      await sql.end()
      await database.drop()
    },
  }
}

/** When jobs ended: the failed ones since the beginning of the incident, the others for two hours. */
const times = (sql: postgres.Sql) => sql`
  (
    select n, 'high' as queue, 'failed' as state, now() - ${incident.minutes}::int * interval '1 minute' + n * ${incident.failedEverySeconds}::int * interval '1 second' as ended
    from generate_series(0, ${(60 * incident.minutes) / incident.failedEverySeconds - 1}::int) as n
    union all
    select n, case when n % 2 = 0 then 'high' else 'bulk' end, 'completed', now() - n * interval '4 seconds'
    from generate_series(1, 1800) as n
  ) as times`

async function fillOwn(sql: postgres.Sql): Promise<void> {
  await sql`
    insert into jobs (
      uuid, domain, queue, job_type, owner_user_id, payload, status, priority, created_at, updated_at, acquired_at, started_at, completed_at,
      error_code, error_message
    )
    select
      gen_random_uuid(), 'mail', queue, 'receipt', 'user-' || n, '{}', state, 5, ended - interval '9 seconds', ended, ended - interval '1 second',
      ended - interval '1 second', ended, case state when 'failed' then 'smtp_550' end,
      case state when 'failed' then ${incident.message}::text || ': user' || n || '@example.com' end
    from ${times(sql)}`
  // A thousand queues beside them, in which nothing goes on.
  await sql`
    insert into jobs (uuid, domain, queue, job_type, payload, status, created_at, updated_at, completed_at)
    select gen_random_uuid(), 'shop' || n % 40, 'queue' || n, 'export', '{}', 'completed', now() - interval '2 days', now() - interval '2 days', now() - interval '2 days'
    from generate_series(1, ${incident.otherQueues}::int) as n`
  // The history of jobs that another program has made: the triggers saw rows, and no attempts.
  await sql`delete from jobsctl_transitions`
  await sql`
    insert into jobsctl_history_minutes (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds)
    select date_trunc('minute', ended), 'mail', queue, 'receipt', 'processing', state, count(*), 0
    from ${times(sql)}
    group by 1, queue, state
    on conflict do nothing`
}

async function fillPgBoss(sql: postgres.Sql): Promise<void> {
  const place = { sql, version: 46 } as const
  await makePgBoss(place)
  for (const queue of ['high', 'bulk']) await makeQueue(place, queue)
  await sql`
    insert into pgboss.job (name, data, state, retry_count, created_on, started_on, completed_on, group_id, output)
    select
      queue, '{}', state::pgboss.job_state, 2, ended - interval '9 seconds', ended - interval '1 second', ended, 'user-' || n,
      case state when 'failed' then jsonb_build_object('message', ${incident.message}::text || ': user' || n || '@example.com') end
    from ${times(sql)}`
}

async function fillBullMq(sql: postgres.Sql): Promise<void> {
  await makeBullMq({ sql, version: 11 })
  await sql`
    insert into bullmq.job (
      queue, id, seq, name, state, attempts_made, attempts_started, failed_reason, added_at_ms, processed_at_ms, finished_at_ms
    )
    select
      queue, state || n, nextval('bullmq.job_seq'), 'receipt', state::bullmq.job_state, 1, 1,
      case state when 'failed' then ${incident.message}::text || ': user' || n || '@example.com' end,
      at - 9000, at - 1000, at
    from ${times(sql)}
    cross join lateral (select (extract(epoch from ended) * 1000)::bigint as at) as milliseconds`
}

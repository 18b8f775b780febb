import { bullMqVersions } from '../../../launch/engine-packages.ts'
import { engineJobs, engineQueues, engineRows, makeTables } from '../../setup/engine-copies.ts'
import { figuresOf } from './of-engine.ts'

const version = bullMqVersions[2]
const old = `floor(extract(epoch from now() - interval '30 days') * 1000)`

const ms = (time: string): string => `floor(extract(epoch from ${time}) * 1000)::bigint`

/** Jobs of BullMQ, whose log lines and edges a prune takes along. */
export const bullMqFigures = figuresOf({
  ...{ engine: 'bullmq', domain: 'bullmq', pruned: 'completed' },
  async fill(bench, database, sql) {
    await makeTables(bench, { name: 'bullmq', version }, database)
    await sql`delete from bullmq.job`
    await sql.unsafe(`
      insert into bullmq.job (
        queue, id, seq, name, state, data, attempts_made, attempts_started, return_value, failed_reason, stacktrace, added_at_ms,
        process_at_ms, processed_at_ms, finished_at_ms, lock_token, locked_until_ms
      )
      select
        queue, i::text, nextval('bullmq.job_seq'), 'send',
        case state when 'waits' then 'waiting' when 'later' then 'delayed' when 'runs' then 'active' when 'failed' then 'failed'
          else 'completed' end::bullmq.job_state,
        jsonb_build_object('number', i, 'text', md5(i::text)), case when ended then 1 else 0 end, case when ended then 1 else 0 end,
        case when state in ('old', 'completed') then '{"ok": true}'::jsonb end,
        case when state = 'failed' then 'no answer from host-' || text || ' after ' || text || ' ms' end,
        case when state = 'failed' then jsonb_build_array('Error: no answer' || repeat(E'\\n    at Socket.connect (node:net:1234:56)', 10)) end,
        ${ms('created')}, case when state = 'later' then ${ms(`created + interval '90 days'`)} end,
        case when ended or state = 'runs' then ${ms(`created + interval '1 second'`)} end,
        case when ended then ${ms(`created + interval '1 minute'`)} end,
        case when state = 'runs' then 'token' end, case when state = 'runs' then ${ms(`now() + interval '1 day'`)} end
      from ${engineRows}, lateral (select state in ('old', 'completed', 'failed')) as of_state (ended)`)
    for (const queue of engineQueues)
      await sql.unsafe(`select setval('bullmq.bullmq_jid_' || md5('${queue}'), ${engineJobs})`)
  },
  someJob: `select queue || '/' || id as key, id from bullmq.job where queue = 'queue2' and state = 'failed' limit 1`,
  jobs: 'bullmq.job',
  deletion: `
    picked as materialized (
      select queue, id from bullmq.job where state = 'completed' and finished_at_ms < ${old} limit $1 for update skip locked
    ),
    deleted as (delete from bullmq.job using picked where job.queue = picked.queue and job.id = picked.id returning job.*)`,
  archive: 'bullmq_archive',
  inSql: {
    stats: `
      select
        queue, name,
        count(*) filter (where state = 'waiting') as queued, count(*) filter (where state = 'delayed') as scheduled,
        count(*) filter (where state = 'active') as active, count(*) filter (where state = 'failed') as failed
      from bullmq.job
      where state in ('waiting', 'delayed', 'waiting-children', 'active', 'failed')
      group by queue, name
      order by queue, name`,
    newest: 'select * from bullmq.job order by added_at_ms desc limit 100',
    show: `
      select job.*, (select jsonb_agg(row order by idx) from bullmq.job_log as log where log.queue = job.queue and job_id = id) as lines
      from bullmq.job where queue = 'queue2' and id = $1`,
    failures: `select queue, failed_reason as message, finished_at_ms as ended, id from bullmq.job where state = 'failed'`,
  },
})

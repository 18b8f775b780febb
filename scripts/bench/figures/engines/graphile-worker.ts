import { graphileWorkerVersions } from '../../../launch/engine-packages.ts'
import { engineRows, makeTables } from '../../setup/engine-copies.ts'
import { figuresOf } from './of-engine.ts'

const [version] = graphileWorkerVersions
const jobs = 'graphile_worker._private_jobs'

/** Jobs of graphile-worker. It deletes completed ones: the old jobs have failed, and jobs that others have completed wait. */
export const graphileWorkerFigures = figuresOf({
  ...{ engine: 'graphile-worker', domain: 'graphile_worker', pruned: 'failed' },
  async fill(bench, database, sql) {
    await makeTables(bench, { name: 'graphile-worker', version }, database)
    await sql.unsafe(`insert into graphile_worker._private_tasks (identifier) values ('send')`)
    await sql.unsafe(
      `insert into graphile_worker._private_job_queues (queue_name) select distinct queue from ${engineRows}`,
    )
    await sql.unsafe(`
      insert into ${jobs} (
        job_queue_id, task_id, payload, run_at, attempts, max_attempts, last_error, created_at, updated_at, locked_at, locked_by
      )
      select
        (select id from graphile_worker._private_job_queues where queue_name = queue),
        (select id from graphile_worker._private_tasks where identifier = 'send'),
        json_build_object('number', i, 'text', md5(i::text)), created + case when state = 'later' then interval '90 days' else '0' end,
        case when dead then 3 else 0 end, 3,
        case when dead then 'no answer from host-' || text || ' after ' || text || ' ms' end, created,
        created + interval '1 minute', case when state = 'runs' then now() end, case when state = 'runs' then 'worker 1' end
      from ${engineRows}, lateral (select state in ('old', 'failed')) as of_state (dead)`)
  },
  someJob: `
    select q.queue_name || '/' || j.id as key, j.id::text as id
    from ${jobs} as j
    join graphile_worker._private_job_queues as q on q.id = job_queue_id
    where attempts = max_attempts and j.locked_at is null
    limit 1`,
  jobs,
  deletion: `
    picked as materialized (
      select id from ${jobs}
      where locked_at is null and attempts >= max_attempts and updated_at < now() - interval '30 days'
      limit $1
      for update skip locked
    ),
    deleted as (select job.* from graphile_worker.complete_jobs(array(select id from picked)) as job)`,
  archive: 'graphile_worker_archive',
  further: {
    names: 'archived_queue, archived_task',
    values: 'queue_name, identifier',
    joined: `
      join graphile_worker._private_job_queues as q on q.id = job_queue_id
      join graphile_worker._private_tasks as t on t.id = task_id`,
  },
  inSql: {
    stats: `
      select
        queue_name, identifier,
        count(*) filter (where j.is_available and run_at <= now()) as queued,
        count(*) filter (where j.is_available and run_at > now()) as scheduled,
        count(*) filter (where j.locked_at is not null) as active,
        count(*) filter (where not j.is_available and j.locked_at is null) as failed
      from ${jobs} as j
      left join graphile_worker._private_job_queues as q on q.id = job_queue_id
      left join graphile_worker._private_tasks as t on t.id = task_id
      group by queue_name, identifier
      order by queue_name, identifier`,
    newest: `select * from ${jobs} order by created_at desc limit 100`,
    show: `select * from ${jobs} where id = $1::bigint`,
    failures: `
      select queue_name as queue, last_error as message, updated_at as ended, j.id
      from ${jobs} as j
      left join graphile_worker._private_job_queues as q on q.id = job_queue_id
      where attempts >= max_attempts and j.locked_at is null
      -- The old jobs have failed, too, and a server reads as many of a state.
      order by updated_at desc
      limit 100000`,
  },
})

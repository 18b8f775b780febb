import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { engineRows } from '../../setup/engine-copies.ts'
import { figuresOf } from './of-engine.ts'

const map = `table: app.email_jobs
key: id
queue: {column: queue}
job_type: send
status: {column: state, map: {0: queued, 1: processing, 2: completed, 3: failed}}
times: {created: created_at, due: run_after, started: locked_at, ended: ended_at}
error: {column: error}
payload: {column: args}
retry: {set: {state: 0, run_after: now(), error: null, ended_at: null}}
prune: {of: [completed, failed]}
`

/** A table as an application makes it, with an index of each time and of the jobs that wait or run. */
export const mappedFigures = figuresOf({
  ...{ engine: 'mapped', domain: 'app', pruned: 'completed' },
  async env({ folder }) {
    // Not `jobs-map.yaml`, which every later server would take: they start in this folder.
    const path = join(folder, 'map-of-email-jobs.yaml')
    await writeFile(path, map)
    return { JOBS_MAP_FILE: path }
  },
  async fill(_bench, _database, sql) {
    await sql.unsafe(`
      create schema app;
      create table app.email_jobs (
        id bigint generated always as identity primary key, queue text not null, state smallint not null default 0,
        run_after timestamptz not null default now(), locked_at timestamptz, created_at timestamptz not null default now(),
        ended_at timestamptz, error text, args jsonb not null
      );
      create index on app.email_jobs (created_at);
      create index on app.email_jobs (ended_at);
      create index on app.email_jobs (queue, run_after) where state < 2;
      insert into app.email_jobs (queue, state, run_after, locked_at, created_at, ended_at, error, args)
      select
        queue, case state when 'waits' then 0 when 'later' then 0 when 'runs' then 1 when 'failed' then 3 else 2 end,
        created + case when state = 'later' then interval '90 days' else '0' end, case when state = 'runs' then now() end, created,
        case when state in ('old', 'completed', 'failed') then created + interval '1 minute' end,
        case when state = 'failed' then 'no answer from host-' || text || ' after ' || text || ' ms' end,
        jsonb_build_object('number', i, 'text', md5(i::text))
      from ${engineRows}`)
  },
  someJob: `select queue || '/' || id as key, id::text as id from app.email_jobs where state = 3 limit 1`,
  jobs: 'app.email_jobs',
  deletion: `
    picked as materialized (
      select id from app.email_jobs where state = 2 and ended_at < now() - interval '30 days' limit $1 for update skip locked
    ),
    deleted as (delete from app.email_jobs using picked where email_jobs.id = picked.id returning email_jobs.*)`,
  archive: 'mapped_archive',
  further: { names: 'job_table, native_id, row', values: `'app.email_jobs', deleted.id::text, to_jsonb(deleted)` },
  isJson: true,
  inSql: {
    stats: `
      select
        queue,
        count(*) filter (where state = 0 and run_after <= now()) as queued,
        count(*) filter (where state = 0 and run_after > now()) as scheduled,
        count(*) filter (where state = 1) as active, count(*) filter (where state = 3) as failed
      from app.email_jobs
      group by queue
      order by queue`,
    newest: 'select * from app.email_jobs order by created_at desc limit 100',
    show: 'select * from app.email_jobs where id = $1::bigint',
    failures: 'select queue, error as message, ended_at as ended, id from app.email_jobs where state = 3',
  },
})

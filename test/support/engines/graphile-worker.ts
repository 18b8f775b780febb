import type postgres from 'postgres'

interface Place {
  sql: postgres.Sql
  /** The name of the schema, unquoted. */
  schema?: string
  /** The last migration: 18 is that of 0.16, and 20 that of 0.18. */
  migration?: number
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * Makes the tables of graphile-worker with the columns and the indexes that its migrations leave, and functions with the effect of its own. A
 * function takes a job that is locked for more than four hours, as its own do.
 */
export async function makeGraphileWorker({ sql, schema = 'graphile_worker', migration = 20 }: Place): Promise<void> {
  const of = quoted(schema)
  const isFree = `(j.locked_at is null or j.locked_at < now() - interval '4 hours')`
  await sql.unsafe(`
    create schema ${of};
    create table ${of}.migrations (id int primary key, ts timestamptz not null default now(), breaking boolean not null default false);
    insert into ${of}.migrations (id) select generate_series(1, ${migration});
    create table ${of}._private_job_queues (
      id int primary key generated always as identity,
      queue_name text not null unique,
      locked_at timestamptz,
      locked_by text,
      is_available boolean generated always as (locked_at is null) stored not null
    );
    create table ${of}._private_tasks (id int primary key generated always as identity, identifier text not null unique);
    create table ${of}._private_jobs (
      id bigint primary key generated always as identity,
      job_queue_id int,
      task_id int not null,
      payload json not null default '{}',
      priority smallint not null default 0,
      run_at timestamptz not null default now(),
      attempts smallint not null default 0,
      max_attempts smallint not null default 25 check (max_attempts >= 1),
      last_error text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      key text unique check (length(key) > 0 and length(key) <= 512),
      locked_at timestamptz,
      locked_by text,
      revision int not null default 0,
      flags jsonb,
      is_available boolean generated always as (locked_at is null and attempts < max_attempts) stored not null
    );
    create index main on ${of}._private_jobs (priority, run_at) include (id, task_id, job_queue_id) where is_available = true;
    create index no_queue on ${of}._private_jobs (priority, run_at) include (id, task_id) where is_available = true and job_queue_id is null;
    alter table ${of}._private_jobs enable row level security;
    alter table ${of}._private_job_queues enable row level security;
    alter table ${of}._private_tasks enable row level security;

    create function ${of}.complete_jobs(job_ids bigint[]) returns setof ${of}._private_jobs language sql as $f$
      delete from ${of}._private_jobs as j where j.id = any(job_ids) and ${isFree} returning j.*
    $f$;
    create function ${of}.permanently_fail_jobs(job_ids bigint[], error_message text default null) returns setof ${of}._private_jobs language sql as $f$
      update ${of}._private_jobs as j
      set last_error = coalesce(error_message, 'failed by hand'), attempts = j.max_attempts, updated_at = now()
      where j.id = any(job_ids) and ${isFree} returning j.*
    $f$;
    create function ${of}.reschedule_jobs(
      job_ids bigint[], run_at timestamptz default null, priority int default null, attempts int default null, max_attempts int default null
    ) returns setof ${of}._private_jobs language sql as $f$
      update ${of}._private_jobs as j
      set
        run_at = coalesce($2, j.run_at), priority = coalesce($3::smallint, j.priority), attempts = coalesce($4::smallint, j.attempts),
        max_attempts = coalesce($5::smallint, j.max_attempts), updated_at = now()
      where j.id = any(job_ids) and ${isFree} returning j.*
    $f$;
    create function ${of}.force_unlock_workers(worker_ids text[]) returns void language sql as $f$
      update ${of}._private_jobs set locked_at = null, locked_by = null where locked_by = any(worker_ids);
      update ${of}._private_job_queues set locked_at = null, locked_by = null where locked_by = any(worker_ids);
    $f$`)
}

/** A job, as its row has it. */
interface MadeJob {
  task: string
  queue?: string
  /** How many. */
  count?: number
  /** Expressions of SQL, by the column, over the number \`n\` of the job. */
  columns?: Readonly<Record<string, string>>
}

/** Makes jobs of a task, the \`n\`th of them with these columns. */
export async function addJobs({ sql, schema = 'graphile_worker' }: Place, job: MadeJob): Promise<void> {
  const { task, queue = null, count = 1, columns = {} } = job
  const of = sql(schema)
  await sql`insert into ${of}._private_tasks (identifier) values (${task}) on conflict do nothing`
  if (queue !== null)
    await sql`insert into ${of}._private_job_queues (queue_name) values (${queue}) on conflict do nothing`
  const names = Object.keys(columns)
  await sql`
    insert into ${of}._private_jobs (task_id, job_queue_id ${sql.unsafe(names.map((name) => `, ${name}`).join(''))})
    select
      (select id from ${of}._private_tasks where identifier = ${task}),
      (select id from ${of}._private_job_queues where queue_name = ${queue})
      ${sql.unsafe(names.map((name) => `, ${columns[name]}`).join(''))}
    from generate_series(1, ${count}::int) as n`
}

/** Names of queues with everything that a name may have; the last one is that of jobs without a queue, with one character more. */
export const oddQueues = {
  odd: `a/b "c" 'd' é%20\u0007x;--`,
  long: 'q'.repeat(128),
  under: '_',
}

/** What dead jobs have: they failed for the last time two days ago, after three attempts. */
export const dead = {
  attempts: '3',
  max_attempts: '3',
  last_error: `'no answer from 10.0.0.' || n`,
  created_at: `now() - interval '9 days'`,
  updated_at: `now() - interval '9 days'`,
  run_at: `now() - interval '2 days' + exp(3) * interval '1 second'`,
}

/** What running jobs have: a pool has picked them up these hours ago. */
export const running = (hours: number, pool: string) => ({
  attempts: '1',
  locked_at: `now() - interval '${hours} hours'`,
  locked_by: `'${pool}'`,
})

/**
 * Makes jobs that are due, due later, waiting for another attempt, running and dead, in queues with odd names and in none: 47 jobs.
 */
export async function fillGraphileWorker(place: Place): Promise<void> {
  const later = { run_at: `now() + interval '10 days'` }
  const due = { run_at: `now() - n * interval '1 minute'`, priority: 'n % 3', key: `'key ' || n` }
  await addJobs(place, { task: 'mail', count: 12, columns: due })
  await addJobs(place, { task: 'mail', count: 4, columns: later })
  const again = { attempts: '2', last_error: `'no answer from 10.0.0.' || n`, run_at: `now() + interval '1 hour'` }
  await addJobs(place, { task: 'mail', count: 5, columns: again })
  await addJobs(place, { task: 'mail', count: 3, columns: running(5, 'pool-old') })
  await addJobs(place, { task: 'mail', count: 10, columns: dead })
  for (const queue of Object.values(oddQueues)) {
    await addJobs(place, { task: `t'a"s/k`, queue, count: 2 })
    await addJobs(place, { task: `t'a"s/k`, queue, count: 2, columns: dead })
  }
  await addJobs(place, { task: 'sync', queue: oddQueues.long, columns: running(1, 'pool-new') })
  const of = place.sql(place.schema ?? 'graphile_worker')
  await place.sql`
    update ${of}._private_job_queues set locked_at = now() - interval '1 hour', locked_by = 'pool-new' where queue_name = ${oddQueues.long}`
}

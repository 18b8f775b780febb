import type { Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineCheck } from '../adapter.ts'
import type { Found } from '../found.ts'
import { boundedCandidates } from '../parts/candidates.ts'
import { hoursOfLock, queueIn } from './projection.ts'

/** What keeps jobs of graphile-worker from running although nobody works on them. Each check is a query with a bound of its own. */
export async function readChecks(sql: Sql, place: Found, scope: Narrowed): Promise<EngineCheck[]> {
  const of = sql.unsafe(place.schema)
  const candidates = (where: Fragment): Fragment =>
    boundedCandidates(
      sql,
      place,
      scope,
      sql`select ${sql.unsafe(queueIn(place))} as queue, j.id as native_id from ${of}._private_jobs as j where ${where}`,
    )
  return [
    {
      check: 'expired',
      title: `locked for more than ${hoursOfLock} hours`,
      instead: `jobsctl workers names the pools; a worker that runs frees these within ten minutes, also where their process still runs them; --fix frees those of a pool whose process is gone`,
      candidates: candidates(sql`j.locked_at < now() - ${hoursOfLock}::int * interval '1 hour'`),
    },
    {
      check: 'queue_locked',
      title: 'waiting in a queue that is locked, although none of its jobs runs',
      instead: `a worker frees the queue ${hoursOfLock} hours after it was locked; when the process is surely gone: select ${place.schema}.force_unlock_workers(array['<locked_by>'])`,
      candidates: candidates(sql`
        j.is_available and j.job_queue_id in (
          select q.id
          from ${of}._private_job_queues as q
          where q.locked_at is not null
            and not exists (
              select from ${of}._private_jobs as r where r.job_queue_id = q.id and r.locked_at is not null offset 0
            )
        )`),
    },
    {
      check: 'task_gone',
      title: 'of a task that is gone',
      instead: 'no worker gets these: add them again with add_job, and cancel these (jobsctl cancel)',
      candidates: candidates(sql`
        j.locked_at is null and not exists (select from ${of}._private_tasks as t where t.id = j.task_id offset 0)`),
    },
  ]
}

import type { Can } from '../can.ts'

/** What jobsctl can over the tables of pg-boss, and what its own library is for. */
export const can: Can = {
  stats: true,
  list: true,
  ended_jobs: true,
  show: true,
  clusters: true,
  explain: true,
  workers: true,
  history: true,
  marks: true,
  prune: true,
  retry: true,
  requeue: {
    cannot: 'pg-boss quarantines no jobs',
    instead: 'jobsctl retry runs failed jobs again',
  },
  redrive: true,
  cancel_queued: true,
  cancel_running: true,
  sweep_queued: true,
  sweep_running: true,
  sweep_fail: {
    cannot:
      'pg-boss fails a job by its worker alone, which decides whether it runs again and goes to the dead letter queue',
    instead: 'a sweep without --action fail cancels the jobs',
  },
  reschedule: true,
  priority: true,
  edit: {
    cannot: 'this version of jobsctl edits no jobs of pg-boss',
    instead: 'boss.update() in your application, or cancel the job and send another one',
  },
  integrity: true,
  integrity_fix: {
    cannot: 'no repair of jobs of pg-boss is safe beside its own: it runs jobs that lost their worker again itself',
    instead: 'jobsctl integrity says of each kind what to do',
  },
  reclaim: {
    cannot: 'pg-boss does not say which worker has which job',
    instead: 'jobsctl stale lists running jobs whose time is over',
  },
  erase: true,
  erase_by_owner: true,
  erase_by_payload: true,
  undo: true,
  records: true,
  holds: true,
  plans: true,
  policy: true,
  events: true,
  pause: {
    cannot: 'pg-boss cannot pause a queue',
    instead: 'stop the workers of the queue: boss.offWork() in your application, or end their processes',
  },
  drain: {
    cannot: 'pg-boss cannot drain a queue',
    instead: 'stop what calls boss.send(), and let the workers finish what waits',
  },
  threshold: {
    cannot: 'pg-boss quarantines no jobs',
    instead: 'give the queue a retryLimit and a deadLetter: boss.updateQueue() in your application',
  },
  throttle: {
    cannot: 'workers of pg-boss take jobs by its own library, which no throttle of ours holds back',
    instead: 'batchSize and pollingIntervalSeconds of boss.work(), or fewer workers, in your application',
  },
  sla: {
    cannot: 'the SLA of a queue is kept for own jobs alone',
    instead: 'alert on the age of the oldest waiting job, which /metrics/jobs has',
  },
  enqueue: {
    cannot: 'jobs of pg-boss are sent by its own library',
    instead: 'boss.send() in your application',
  },
  acquire: {
    cannot: 'workers of pg-boss get their jobs by its own library',
    instead: 'boss.work() in your application',
  },
  finish: {
    cannot: 'a job of pg-boss is ended by the worker that has it',
    instead: 'boss.complete() or boss.fail() in your application',
  },
  attachments: {
    cannot: 'jobs of pg-boss have no attachments',
    instead: 'keep the text, or its address, in the data or the output of the job',
  },
  upkeep: {
    cannot: 'pg-boss looks after its own tables and indexes',
    instead: 'npx pg-boss doctor',
  },
}

import type { Can } from '../can.ts'

/** What jobsctl can over the tables of BullMQ, and what its own library is for. */
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
    cannot: 'BullMQ quarantines no jobs',
    instead: 'jobsctl retry runs failed jobs again',
  },
  redrive: {
    cannot: 'BullMQ has no dead letter queue',
    instead: 'jobsctl retry runs failed jobs again',
  },
  cancel_queued: true,
  cancel_running: true,
  sweep_queued: true,
  sweep_running: true,
  sweep_fail: {
    cannot: 'BullMQ has no cancelled jobs, so that every sweep ends jobs as failed',
    instead: 'a sweep without --action fail does it, without another try',
  },
  reschedule: true,
  priority: true,
  edit: {
    cannot: 'this version of jobsctl edits no jobs of BullMQ',
    instead: 'job.updateData() in your application',
  },
  integrity: true,
  integrity_fix: {
    cannot: 'workers of BullMQ look for stalled jobs themselves, and run them again or fail them',
    instead: 'jobsctl integrity says of each kind what to do',
  },
  reclaim: {
    cannot: 'a worker of BullMQ need not have a name in its jobs',
    instead: 'jobsctl stale lists running jobs whose lock is over',
  },
  erase: true,
  erase_by_owner: {
    cannot: 'jobs of BullMQ have no owner',
    instead: 'name them by a value of their data (--payload customer.email=…), or by their ids',
  },
  erase_by_payload: true,
  undo: true,
  records: true,
  holds: true,
  plans: true,
  policy: true,
  events: true,
  pause: true,
  drain: {
    cannot: 'no queue of BullMQ stops to take jobs; what it calls drain deletes the jobs that wait',
    instead: 'jobsctl cancel --status queued ends what waits, with an undo; stop what calls queue.add()',
  },
  threshold: {
    cannot: 'BullMQ quarantines no jobs',
    instead: 'give jobs a number of attempts: queue.add(name, data, { attempts })',
  },
  throttle: {
    cannot: 'workers of BullMQ take jobs by its own library, which no throttle of ours holds back',
    instead: 'concurrency and limiter of new Worker(), or queue.setGlobalConcurrency(), in your application',
  },
  sla: {
    cannot: 'the SLA of a queue is kept for own jobs alone',
    instead: 'alert on the age of the oldest waiting job, which /metrics/jobs has',
  },
  enqueue: {
    cannot: 'jobs of BullMQ are added by its own library',
    instead: 'queue.add() in your application',
  },
  acquire: {
    cannot: 'workers of BullMQ get their jobs by its own library',
    instead: 'new Worker() in your application',
  },
  finish: {
    cannot: 'a job of BullMQ is ended by the worker that has its lock',
    instead: 'return from the processor, or throw, in your application',
  },
  attachments: {
    cannot: 'jobs of BullMQ have no attachments',
    instead: 'job.log() in your application; jobsctl show has the newest lines',
  },
  upkeep: {
    cannot: 'jobsctl leaves the tables and indexes of BullMQ to its own library',
    instead: 'removeOnComplete and removeOnFail keep its table of jobs small',
  },
}

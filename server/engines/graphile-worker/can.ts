import type { Can, Cannot } from '../can.ts'

const noRunning: Cannot = {
  cannot:
    'a running job of graphile-worker cannot be ended: its worker is not told, and would go on beside the next attempt',
  instead: 'name the jobs that wait (--status queued), or end the process that has it: jobsctl workers',
}

/** What jobsctl can over the tables of graphile-worker, and what its own library is for. */
export const can: Can = {
  stats: true,
  list: true,
  ended_jobs: {
    cannot:
      'graphile-worker has neither completed nor cancelled jobs: it deletes a job when it is completed, and one that somebody ends is failed',
    instead: 'jobsctl list --status failed; count completed jobs in your task functions',
  },
  show: true,
  clusters: true,
  explain: true,
  workers: true,
  history: true,
  marks: true,
  prune: true,
  retry: true,
  requeue: { cannot: 'graphile-worker quarantines no jobs', instead: 'jobsctl retry runs failed jobs again' },
  redrive: { cannot: 'graphile-worker has no dead-letter queue', instead: 'jobsctl retry runs failed jobs again' },
  cancel_queued: true,
  cancel_running: noRunning,
  sweep_queued: true,
  sweep_running: noRunning,
  sweep_fail: {
    cannot: 'a sweep over graphile-worker has one action',
    instead: 'a sweep without --action fail makes jobs fail for good, as permanently_fail_jobs does',
  },
  reschedule: true,
  priority: true,
  edit: {
    cannot: 'this version of jobsctl edits no jobs of graphile-worker',
    instead: 'graphile_worker.add_job() with the job_key of the job replaces it',
  },
  integrity: true,
  integrity_fix: true,
  reclaim: {
    cannot: 'a pool of graphile-worker has several jobs, and unlocking one of a living pool would run it twice',
    instead:
      'jobsctl stale lists running jobs that were picked up over four hours ago; workers take those back themselves',
  },
  erase: true,
  erase_by_owner: {
    cannot: 'jobs of graphile-worker have no owner',
    instead: 'name them by a value of their payload (--payload customer.email=…), or by their ids',
  },
  erase_by_payload: true,
  undo: true,
  records: true,
  holds: true,
  plans: true,
  policy: true,
  events: true,
  pause: {
    cannot: 'graphile-worker cannot pause a queue',
    instead: 'stop the workers that have its tasks, or give the jobs a forbidden flag (forbiddenFlags)',
  },
  drain: {
    cannot: 'graphile-worker cannot drain a queue',
    instead: 'stop what calls add_job, and let the workers finish what waits',
  },
  threshold: {
    cannot: 'graphile-worker quarantines no jobs',
    instead: 'give jobs fewer attempts: max_attempts of add_job',
  },
  throttle: {
    cannot: 'workers of graphile-worker take jobs by its own library, which no throttle of ours holds back',
    instead: 'concurrentJobs of run(), or jobs with a queueName, of which one runs at a time',
  },
  sla: {
    cannot: 'the SLA of a queue is kept for own jobs alone',
    instead: 'alert on the age of the oldest waiting job, which /metrics/jobs has',
  },
  enqueue: {
    cannot: 'jobs of graphile-worker are added by its own library',
    instead: 'graphile_worker.add_job() in SQL, or addJob() in your application',
  },
  acquire: {
    cannot: 'workers of graphile-worker get their jobs by its own library',
    instead: 'run() in your application, or npx graphile-worker',
  },
  finish: {
    cannot: 'a job of graphile-worker is ended by the worker that has it',
    instead: 'let its task function return, or throw',
  },
  attachments: {
    cannot: 'jobs of graphile-worker have no attachments',
    instead: 'keep the text, or its address, in the payload of the job',
  },
  upkeep: {
    cannot: 'graphile-worker looks after its own tables and indexes',
    instead: 'npx graphile-worker --cleanup GC_TASK_IDENTIFIERS,GC_JOB_QUEUES',
  },
}

/** One way to stop, or to help a job on: the command, what it does, and what takes it back. */
export interface Way {
  /** What the operator has in front of them. */
  when: string
  command: string
  does: string
  back: string
}

/** Which stop is which, the weakest first. */
export const stops: readonly Way[] = [
  {
    when: 'a third party refuses calls',
    command: 'jobsctl throttle',
    does: 'fewer jobs of a queue run at the same time, or begin in a minute',
    back: 'throttle --off',
  },
  {
    when: 'these jobs are to run later',
    command: 'jobsctl reschedule',
    does: 'queued jobs wait for another time; the queue goes on',
    back: 'undo',
  },
  {
    when: 'a deploy makes jobs fail',
    command: 'jobsctl pause',
    does: 'workers get no job of the queue; running jobs go on, new ones are taken',
    back: 'resume',
  },
  {
    when: 'a queue is to be moved, or given up',
    command: 'jobsctl drain',
    does: 'as pause, and new jobs are refused',
    back: 'resume',
  },
  {
    when: 'these jobs must not run at all',
    command: 'jobsctl cancel',
    does: 'queued jobs never run; running ones are asked to end',
    back: 'undo',
  },
  {
    when: 'these jobs must not be deleted',
    command: 'jobsctl hold add',
    does: 'prune, sweep, erase and the end of the archive pass over them; workers run them',
    back: 'hold remove',
  },
  {
    when: 'nobody is to change anything',
    command: 'jobs-server freeze',
    does: 'all servers of the database refuse changes of operators; workers go on',
    back: 'jobs-server thaw',
  },
]

/** Which way out is which, by what a job is in. */
export const waysOut: readonly Way[] = [
  {
    when: 'failed, and the cause is mended',
    command: 'jobsctl retry',
    does: 'the jobs run again',
    back: 'undo',
  },
  {
    when: 'quarantined, after equal failures',
    command: 'jobsctl requeue',
    does: 'the jobs run again; retry --also-quarantined takes both',
    back: 'undo',
  },
  {
    when: 'failed by a wrong payload',
    command: 'jobsctl edit --then retry',
    does: 'values of the payload change, and the jobs run again',
    back: 'undo',
  },
  {
    when: 'a dead letter of pg-boss',
    command: 'jobsctl redrive',
    does: 'the jobs move back into their queues',
    back: 'undo',
  },
  {
    when: 'running, and its worker is gone',
    command: 'jobsctl reclaim',
    does: 'the jobs wait again, and no attempt is counted; --stale: expired leases alone',
    back: 'none',
  },
  {
    when: 'running, and should end',
    command: 'jobsctl cancel',
    does: 'the worker is asked to end the job',
    back: 'undo, until the worker has heard of it',
  },
  {
    when: 'waits or runs for longer than is of use',
    command: 'jobsctl sweep',
    does: 'the jobs are cancelled or failed by their age',
    back: 'undo',
  },
  {
    when: 'in a state that contradicts its other columns',
    command: 'jobsctl integrity --fix',
    does: 'the columns are repaired; without --fix it only counts',
    back: 'none',
  },
  {
    when: 'ended long ago',
    command: 'jobsctl prune',
    does: 'the jobs move into the archive, and are deleted when its term is over',
    back: 'undo',
  },
]

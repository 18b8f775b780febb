import type { Exit } from './exits.ts'

interface Outcome {
  /** The commands that end so, in words. */
  of: string
  /** What happened. */
  when: string
  exit: Exit
  /** The field of `--json` that counts it. */
  json?: string
}

const changes = 'every change'

/** How a command ends that the server has not refused, by what became of the jobs. Commands end by this table. */
export const outcomes = {
  done: { of: changes, when: 'all jobs of the preview are changed', exit: 'ok', json: 'affected' },
  none: { of: changes, when: 'no job matches', exit: 'ok', json: 'affected' },
  goneOn: {
    of: changes,
    when: 'jobs had gone on by themselves since the preview, or other transactions held them',
    exit: 'ok',
    json: 'skipped, skipped_locked',
  },
  wouldChange: {
    of: 'every change with --dry-run --detailed-exitcode, integrity',
    when: 'jobs match',
    exit: 'would_change',
    json: 'affected',
  },
  stopped: {
    of: changes,
    when: 'it stopped before its end: --until, operations stop, a brake, a server that stops; the rest is as it was',
    exit: 'partial',
  },
  canaryFailed: {
    of: 'retry, requeue, apply',
    when: 'a canary job failed, or not all ended in time; the other jobs are as they were',
    exit: 'partial',
  },
  othersLeft: {
    of: 'retry, requeue, apply',
    when: 'the key of the preview was rotated away after the canary jobs; the other jobs are as they were',
    exit: 'partial',
  },
  moreThanPreviewed: { of: changes, when: 'a server changed more jobs than its preview said', exit: 'failed' },
  unknownScope: {
    of: 'every change and list with --must-exist',
    when: 'a domain, queue or job type that never had a job',
    exit: 'not_found',
  },
  idsMissing: {
    of: 'retry, requeue, redrive, cancel, reclaim, reschedule, priority, edit with ids',
    when: 'no job that the caller may see has an id of the command line, or with --must-exist of --ids-file; the rest is done',
    exit: 'not_found',
    json: 'missing_count, not_matched',
  },
  idsOfFileMissing: {
    of: 'the same with --ids-file',
    when: 'no job has some of the ids',
    exit: 'ok',
    json: 'missing_count, not_matched',
  },
  idsNotTaken: {
    of: 'the same',
    when: 'some jobs that are named are not in a state which the command takes; the rest is done',
    exit: 'ok',
    json: 'not_taken_count, not_matched',
  },
  noneTaken: {
    of: 'the same with ids of the command line',
    when: 'no job that is named is in such a state, and not all are as wanted already; nothing is changed',
    exit: 'conflict',
  },
  someKept: {
    of: 'erase',
    when: 'some jobs are erased, and others stay, since a hold keeps them or a worker runs them',
    exit: 'partial',
    json: 'passed_over',
  },
  allKept: {
    of: 'erase',
    when: 'a hold keeps all jobs, or a worker runs them; nothing is changed',
    exit: 'conflict',
  },
  passedByHold: {
    of: 'prune, sweep, rules of the policy',
    when: 'a hold keeps jobs that match: that is what a hold is for',
    exit: 'ok',
    json: 'kept_by_hold of the preview',
  },
  someNotBack: {
    of: 'undo, undo --caller',
    when: 'some jobs are given back, and others stay: they have changed since, or an operation has no way back',
    exit: 'partial',
    json: 'conflict_count, not_undone',
  },
  noneBack: { of: 'undo, undo --caller', when: 'no job can be given back; nothing is changed', exit: 'conflict' },
} as const satisfies Record<string, Outcome>

export const outcomeList: readonly Outcome[] = Object.values(outcomes)

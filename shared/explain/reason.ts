import * as z from 'zod'
import type { JobId } from '../work/job-key.ts'

/** The call that removes a reason. */
export const Remedy = z.object({
  http: z
    .object({
      method: z.string().describe('The method of the call.'),
      path: z.string().describe('The path of the call.'),
      body: z.record(z.string(), z.unknown()).describe('The body of the call.'),
      confirm: z.boolean().describe('True where the call needs `X-Confirm: true`.'),
    })
    .describe('The call of this API.'),
  jobsctl: z
    .array(z.string())
    .nullable()
    .describe('The words of the command after `jobsctl`; null where no command line can name the queue.'),
})
export type Remedy = z.output<typeof Remedy>

/** One reason why a job, or the jobs of a queue, do not run. Later servers may have other codes. */
export const Reason = z.object({
  code: z.string().describe('The name of the reason, for programs.'),
  title: z.string().describe('Two or three words.'),
  sentence: z.string().describe('The reason, as a sentence.'),
  facts: z
    .record(z.string(), z.unknown())
    .describe(
      'What the sentence is made from, such as times, counts and names. `at_least` is true where the counts are lower bounds, and absent elsewhere.',
    ),
  remedy: Remedy.nullable().describe('Null where no call of this API removes the reason.'),
})
export type Reason = z.output<typeof Reason>

/** Who stopped a queue, by name, since when and why. All three are null where another program stopped it. */
interface StopFacts {
  domain: string
  queue: string
  since: string | null
  by: string | null
  why: string | null
}

/** A job that another one depends on. */
export interface NeededJob {
  id: JobId
  uuid: string
  domain: string
  status: string
}

/** The jobs are at most 20; `count` is at most 1,000. */
interface NeededFacts {
  count: number
  jobs: NeededJob[]
}

/** A job that another one depends on, and that was deleted. */
export interface GoneJob {
  uuid: string
  /** Its last status as the program that deleted it wrote it down; `missing` where none did. */
  status: string
}

interface LeaseFacts {
  worker_id: string | null
  leased_until: string | null
  /** When the lease began. */
  since: string | null
  lease_fingerprint: string | null
}

interface ErrorFacts {
  since: string | null
  error_code: string | null
  error: string | null
}

interface WorkerFacts {
  domain: string
  queue: string
  /** The type of the job; null for a queue. */
  job_type: string | null
  /** The last call of a worker that takes such jobs, within an hour or so. */
  last_asked_at: string | null
  /** The last pick-up that is known. */
  last_picked_up_at: string | null
  /** Whole minutes since the later of the two; null where neither is known. */
  minutes: number | null
  /** Workers ask, but for jobs of other types or owners. */
  asked_for_others: boolean
  /** Jobs of the queue under a valid lease, at most 1,000, and their workers; null for an engine that does not say who has which job. */
  running: number
  workers: number | null
}

/** The facts of each reason. */
export interface Facts {
  queue_paused: StopFacts
  queue_draining: StopFacts
  /** The numbers are those of the queue as it is now; `of` and `per_minute` are null where the throttle does not limit them. */
  throttled: StopFacts & { running: number | null; of: number | null; per_minute: number | null }
  /**
   * Of an engine that limits how many jobs of a queue begin in a window, which ends at `until`. `begun` is null where a program has ended the window
   * by hand, and `of` where only the workers know how many may begin.
   */
  rate_limited: {
    domain: string
    queue: string
    until: string
    seconds: number
    begun: number | null
    of: number | null
  }
  not_due: { available_at: string /** Null for a time that never comes. */; seconds: number | null }
  waits_for_jobs: NeededFacts
  dependency_ended: NeededFacts
  /** The jobs are at most 20; `count` is at most 1,000. */
  dependency_gone: { count: number; jobs: GoneJob[] }
  dependency_cycle: { uuid: string }
  leased: LeaseFacts
  lease_over: LeaseFacts
  /** The threshold is the one that the next failure would go by, 0 for never, and whose it is. */
  quarantined: ErrorFacts & { streak: number | null; threshold: number; threshold_of: 'job' | 'queue' | 'server' }
  retries_used_up: ErrorFacts & { retry_count: number | null; max_retries: number }
  /**
   * Of an engine whose policy runs one job of a key at a time: `by` has the place, in a state of the engine. It is null for a job outside of the
   * scope of the caller.
   */
  slot_taken: { policy: string; key: string | null; by: JobId | null; state: string }
  /**
   * Of an engine that runs one job of a queue at a time: its lock, and the id of the running job of the queue, where there is one (`runs`). Neither
   * that job nor the worker is named where they are outside of the scope of the caller.
   */
  queue_locked: { queue: string; by: string | null; since: string; runs: boolean; holder: string | null }
  /** Workers have begun later jobs of other types or with other flags since the job fell due; `taken` of them still run, at most 1,000. */
  passed_over: { job_type: string; taken: number; flags: string[] }
  /** Of an engine that deletes jobs which have waited for too long. */
  retention_over: { since: string }
  cancel_requested: { since: string; why: string | null }
  no_worker: WorkerFacts
  finished: { status: string; since: string | null; why: string | null; archived: boolean }
  unknown_state: { status: string | null }
  /** Of a queue: no job is due, and the next one will be at this time. */
  nothing_due: { scheduled: number; next_due_at: string | null; seconds: number | null }
  /** Of a queue: the jobs that could run are leased. `jobs` is at most 10,000. */
  all_leased: { jobs: number; workers: number }
  /** Of a queue: the due jobs wait for others. `complete` is false where only the first of them were looked at. */
  all_blocked: { jobs: number; complete: boolean }
  /** Of a queue: no job waits or runs. */
  empty: { quarantined: number }
}

export type Code = keyof Facts

/** What was found out about a job or a queue. */
export type Finding<One extends Code = Code> = {
  [Each in One]: {
    code: Each
    facts: Facts[Each] /** The engine refuses the call that removes the reason elsewhere. */
    remedy?: null
  }
}[One]

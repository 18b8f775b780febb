import { JobsError } from '../call/jobs-error.ts'
import type { Client } from '../client-with.ts'
import { JobAborted } from './job-failure.ts'
import { askedMs, isPassing, resultsOf } from './retrying.ts'
import { leaseOf, lose, type RunningJob } from './running-job.ts'
import type { WorkerSettings } from './worker-options.ts'

export interface Renewals {
  /** A job has new progress, or a new job runs. */
  changed: () => void
  /** Renews now, since the answer has something new. */
  now: () => void
  stop: () => void
}

interface Options {
  client: Client
  settings: WorkerSettings
  running: ReadonlySet<RunningJob>
}

/** The time until progress is sent, in milliseconds. */
const progressMs = 1000
/** The most jobs of one call: with the longest messages they stay below the limit of a body. */
const mostJobs = 100
const isAtWork = ({ isLost, isEnded }: RunningJob): boolean => !isLost && !isEnded
const now = (): number => performance.now()

/**
 * Renews all leases at every third of their length, so that one renewal may fail, and sooner to report progress. A lease that was not
 * renewed until its end is lost.
 */
export function createRenewals({ client, settings, running }: Options): Renewals {
  const { leaseMs, workerId, tell } = settings
  const stopping = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let due = Number.POSITIVE_INFINITY
  let isRunning = false
  /** The last call was not answered: progress waits for the next one. */
  let isFailing = false

  function schedule(at: number): void {
    if (stopping.signal.aborted || at >= due) return
    clearTimeout(timer)
    due = at
    timer = setTimeout(run, Math.max(0, at - now()))
  }

  async function run(): Promise<void> {
    due = Number.POSITIVE_INFINITY
    if (isRunning) return // the run at hand makes the next appointment
    isRunning = true
    const failedMs = await renewAll()
    for (const job of running) if (isAtWork(job) && job.leaseEnds <= now()) loseJob(job, 'lease_expired')
    isRunning = false
    isFailing = failedMs !== undefined && running.size > 0
    if (running.size === 0) return
    const ends = [...running].filter(isAtWork).map(({ leaseEnds }) => leaseEnds)
    schedule(Math.min(now() + (failedMs === undefined ? leaseMs / 3 : pauseMs(failedMs)), ...ends))
    if (hasProgress()) schedule(now() + progressMs)
  }

  const hasProgress = () => !isFailing && [...running].some(({ unsent }) => unsent)

  /** The time to the next try: what the server asks for, but not so long that the leases run out meanwhile. */
  const pauseMs = (asked: number) =>
    Math.max((Math.min(leaseMs / 12, 3000) * (2 + Math.random())) / 3, Math.min(asked, leaseMs / 4))

  function loseJob(job: RunningJob, code: string): void {
    lose(job)
    tell({ event: 'lost', job_id: job.job.id, job_type: job.job.job_type, code })
  }

  /** Renews all leases at once. Where a call was not answered, resolves to the milliseconds that the server asks to wait, or 0. */
  async function renewAll(): Promise<number | undefined> {
    const jobs = [...running].filter(({ isLost }) => !isLost)
    const calls: Promise<number | undefined>[] = []
    for (let at = 0; at < jobs.length; at += mostJobs) calls.push(renew(jobs.slice(at, at + mostJobs)))
    const failed = (await Promise.all(calls)).filter((asked) => asked !== undefined)
    return failed.length === 0 ? undefined : Math.max(...failed)
  }

  async function renew(jobs: readonly RunningJob[]): Promise<number | undefined> {
    const sentAt = now()
    const sent = jobs.map((job) => job.unsent)
    for (const job of jobs) job.unsent = undefined
    const items = jobs.map((job, at) => ({
      ...leaseOf(job, workerId),
      lease_seconds: leaseMs / 1000,
      ...sent[at],
    }))
    try {
      const ends = Math.min(...jobs.map(({ leaseEnds }) => leaseEnds))
      const timeoutMs = Math.min(settings.timeoutMs, Math.max(1000, Math.min(leaseMs / 3, ends - sentAt)))
      const options = { retries: 0, timeoutMs, signal: stopping.signal }
      const results = resultsOf(await client.renewMany({ jobs: items }, options), jobs.length)
      for (const [at, result] of results.entries()) {
        const job = jobs[at]
        if (!job) continue
        if (!result.ok) {
          if (isAtWork(job)) loseJob(job, result.code)
        } else {
          job.leaseEnds = sentAt + leaseMs
          if (result.cancel_requested) job.abort.abort(new JobAborted('cancelled'))
        }
      }
      return undefined
    } catch (error) {
      for (const [at, job] of jobs.entries())
        if (isAtWork(job) && (sent[at] || job.unsent)) job.unsent = { ...sent[at], ...job.unsent }
      if (error instanceof Error && !stopping.signal.aborted) {
        const code = isPassing(error) ? error.code : 'rejected'
        tell({ event: 'retrying', call: 'renew', code, error: error.message })
      }
      return error instanceof JobsError ? askedMs(error) : 0
    }
  }

  return {
    changed: () => {
      schedule(now() + (hasProgress() ? Math.min(progressMs, leaseMs / 3) : leaseMs / 3))
    },
    now: () => schedule(now()),
    stop: () => {
      stopping.abort()
      clearTimeout(timer)
    },
  }
}

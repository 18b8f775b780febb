import type { Client } from '../client.ts'
import { type HeldJob, leaseOf, lose } from './held-job.ts'
import { JobAborted } from './job-failure.ts'
import { isPassing } from './retrying.ts'
import type { WorkerSettings } from './worker-options.ts'

export interface Renewals {
  /** A job has new progress, or a new job is held. */
  changed: () => void
  stop: () => void
}

interface Options {
  client: Client
  settings: WorkerSettings
  held: ReadonlySet<HeldJob>
}

/** The time until progress is sent, in milliseconds. */
const progressMs = 1000
/** The most jobs of one call: so many with the longest messages are not too large. */
const mostJobs = 100
const isAtWork = ({ isLost, isEnded }: HeldJob): boolean => !isLost && !isEnded
const now = (): number => performance.now()

/**
 * Renews all leases at every third of their length, so that one renewal may fail, and sooner to report progress. A lease that was not
 * renewed until its end is lost.
 */
export function createRenewals({ client, settings, held }: Options): Renewals {
  const { leaseMs, workerId, tell } = settings
  let timer: ReturnType<typeof setTimeout> | undefined
  let due = Number.POSITIVE_INFINITY
  let isRunning = false
  let isStopped = false

  function schedule(at: number): void {
    if (isStopped || at >= due) return
    clearTimeout(timer)
    due = at
    timer = setTimeout(run, Math.max(0, at - now()))
  }

  async function run(): Promise<void> {
    due = Number.POSITIVE_INFINITY
    if (isRunning) return // the run at hand makes the next appointment
    isRunning = true
    const isAnswered = await renewAll()
    for (const job of held) if (isAtWork(job) && job.leaseEnds <= now()) loseJob(job, 'lease_expired')
    isRunning = false
    if (held.size === 0) return
    const ends = [...held].filter(isAtWork).map(({ leaseEnds }) => leaseEnds)
    const again = now() + (isAnswered ? leaseMs / 3 : Math.min(leaseMs / 12, 2000 + Math.random() * 1000))
    schedule(Math.min(again, ...ends))
    if ([...held].some(({ unsent }) => unsent)) schedule(now() + progressMs)
  }

  function loseJob(job: HeldJob, code: string): void {
    lose(job)
    tell({ event: 'lost', job_id: job.job.id, job_type: job.job.job_type, code })
  }

  /** Renews all leases at once. Resolves to false when a call was not answered. */
  async function renewAll(): Promise<boolean> {
    const jobs = [...held].filter(({ isLost }) => !isLost)
    const calls: Promise<boolean>[] = []
    for (let at = 0; at < jobs.length; at += mostJobs) calls.push(renew(jobs.slice(at, at + mostJobs)))
    return (await Promise.all(calls)).every((isAnswered) => isAnswered)
  }

  async function renew(jobs: readonly HeldJob[]): Promise<boolean> {
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
      const timeoutMs = Math.max(1000, Math.min(leaseMs / 3, ends - sentAt))
      const { results } = await client.renewMany({ jobs: items }, { retries: 0, timeoutMs })
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
      return true
    } catch (error) {
      for (const [at, job] of jobs.entries()) job.unsent ??= sent[at]
      if (error instanceof Error) {
        const code = isPassing(error) ? error.code : 'rejected'
        tell({ event: 'retrying', call: 'renew', code, error: error.message })
      }
      return false
    }
  }

  return {
    changed: () => {
      const hasProgress = [...held].some(({ unsent }) => unsent)
      schedule(now() + (hasProgress ? Math.min(progressMs, leaseMs / 3) : leaseMs / 3))
    },
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

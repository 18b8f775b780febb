import {
  atText,
  boundedJobs,
  jobsText,
  leastText,
  minutesText,
  mostNeeded,
  mostRunning,
  quotedText,
  sinceText,
  workersText,
} from '../../../shared/explain/phrases.ts'
import type { Code, Facts, Remedy } from '../../../shared/explain/reason.ts'
import { clockText, spanText } from '../../../shared/times/time-and-size.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { endedBadly } from './dependencies.ts'
import { mostThrottled } from './queue-stop.ts'
import { cancel, endThrottle, makeDue, reclaim, requeue, resume, retry } from './remedies.ts'

/** The job that is explained. */
export interface ExplainedJob {
  id: JobId
  domain: string
  queue: string
  job_type: string
}

/** The texts of a reason, and its remedy. */
export interface ReasonText<One extends Code> {
  title: string
  /** The sentence; `now` is the time of the answer, in milliseconds. The job is undefined for the reasons of a queue. */
  sentence: (facts: Facts[One], now: number, job: ExplainedJob | undefined) => string
  /** Whether the counts among the facts are lower bounds. */
  isLeast?: (facts: Facts[One]) => boolean
  /** The call that removes the reason. Without it, no call of this API does. */
  remedy?: (facts: Facts[One], job: ExplainedJob | undefined) => Remedy | null
}

type JobCode = Exclude<keyof Facts, 'nothing_due' | 'all_leased' | 'all_blocked' | 'empty'>

const stopText = ({ domain, queue, since, by, why }: Facts['queue_paused'], how: string, now: number) =>
  `${domain}/${queue} ${how}${sinceText(since, now)}${by === null ? '' : ` by ${by}`}${quotedText(why)}`

/** `120 (queued) and 121 (processing)`, at most three of the jobs. */
function neededText({ count, jobs }: Facts['waits_for_jobs']): string {
  const named = jobs.slice(0, 3).map(({ id, status }) => `${id} (${status})`)
  const rest = count - named.length
  return `${named.join(', ')}${rest > 0 ? ` and ${moreText(count, rest)}` : ''}`
}

/** Workers of other engines, whose jobs have texts as ids, cancel no dependents. */
const isOwn = ({ id }: { id: JobId }): boolean => typeof id === 'number'

const isLeastNeeded = ({ count }: { count: number }): boolean => count >= mostNeeded

/** `2 more`, `at least 997 more` */
const moreText = (count: number, rest: number): string => `${leastText(count, mostNeeded)}${rest} more`

function goneText({ count, jobs }: Facts['dependency_gone']): string {
  const named = jobs.slice(0, 3).map(({ uuid, status }) => (status === 'missing' ? uuid : `${uuid} (${status})`))
  const rest = count - named.length
  const what = `depends on ${boundedJobs(count, mostNeeded)} that another program has deleted: ${named.join(', ')}${rest > 0 ? ` and ${moreText(count, rest)}` : ''}`
  return jobs.some(({ status }) => endedBadly.includes(status))
    ? `${what}; it can never run, and the next call of a worker that finds nothing else to do cancels it`
    : `${what}; nothing says that this was completed, so that it can never run`
}

const byWorker = (worker: string | null) => (worker === null ? '' : ` by ${worker}`)

/** `, timeout ("no answer")` */
function errorText({ error_code, error }: Facts['retries_used_up'] | Facts['quarantined']): string {
  const detail = error_code === null || error === error_code ? '' : quotedText(error)
  return error_code === null && error === null ? '' : `, ${error_code ?? error}${detail}`
}

function thresholdText({ threshold, threshold_of }: Facts['quarantined']): string {
  const whose =
    threshold_of === 'job'
      ? 'its own threshold'
      : `the threshold of ${threshold_of === 'queue' ? 'its queue' : 'the server'}`
  return threshold === 0 ? `${whose} is off now` : `${whose} is ${threshold}`
}

function workerText(facts: Facts['no_worker']): string {
  const { domain, queue, job_type, minutes, asked_for_others, running, workers } = facts
  const busy =
    running === 0 ? '' : `; ${boundedJobs(running, mostRunning)} of the queue ${running === 1 ? 'runs' : 'run'}`
  const what = `${job_type === null ? '' : `${job_type} `}jobs of ${domain}/${queue}`
  if (workers === null) {
    // They may be busy: another engine does not say who asks for jobs.
    const pickup =
      minutes === null ? `is known to have picked up ${what}` : `has picked up ${what} for ${minutesText(minutes)}`
    return `no worker ${pickup}${busy}`
  }
  const silence =
    minutes === null
      ? `no worker has asked this API for ${what}, and none is known to have picked one up`
      : `no worker has picked up ${what} for ${minutesText(minutes)}, and none has asked this API for them since`
  const others = asked_for_others ? '; the workers that ask take other jobs' : ''
  return `${silence}${others}${busy && `${busy} with ${leastText(running, mostRunning)}${workersText(workers)}`}`
}

/** `mail/high is throttled: 5 of 5 are running since 2026-11-24 13:02:00 UTC (5m) by ann ("the provider refuses us")` */
function throttleText({ domain, queue, running, of, per_minute, since, by, why }: Facts['throttled'], now: number) {
  const limits = [
    ...(of === null ? [] : [runningText(running ?? 0, of)]),
    ...(per_minute === null ? [] : [`at most ${per_minute.toLocaleString('en-US')} begin in a minute`]),
  ]
  return `${domain}/${queue} is throttled: ${limits.join(', and ')}${sinceText(since, now)}${by === null ? '' : ` by ${by}`}${quotedText(why)}`
}

/** `the rate limit of mail/high is reached (5 of 5 jobs): the next begins at 2026-11-24 13:02:00 UTC, in 12s` */
function rateText({ domain, queue, until, seconds, begun, of }: Facts['rate_limited']): string {
  const end = `at ${clockText(until)}, in ${spanText(seconds)}`
  const whose = `of ${domain}/${queue}`
  if (of === null && begun !== null)
    return `workers limit the rate ${whose}: ${jobsText(begun)} of a window that ends ${end}; how many may begin in it is in no table`
  const counts = begun === null ? '' : ` (${begun.toLocaleString('en-US')} of ${jobsText(of ?? 0)})`
  return `the rate limit ${whose} is reached${counts}: ${of === null ? 'workers with a limiter begin the next job' : 'the next job begins'} ${end}`
}

/** More jobs run than may where the throttle came later than they, and where workers acquire by plain SQL. */
const runningText = (running: number, of: number): string =>
  running > of
    ? `${running >= mostThrottled ? `more than ${(mostThrottled - 1).toLocaleString('en-US')}` : running.toLocaleString('en-US')} are running, and at most ${of.toLocaleString('en-US')} may`
    : `${running.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} are running`

/** The title, the sentence and the remedy of each reason that a job can have. */
export const jobReasons: { [One in JobCode]: ReasonText<One> } = {
  queue_paused: {
    title: 'queue paused',
    sentence: (facts, now) => stopText(facts, 'is paused', now),
    remedy: resume,
  },
  queue_draining: {
    title: 'queue draining',
    sentence: (facts, now) => stopText(facts, 'drains', now),
    remedy: resume,
  },
  throttled: {
    title: 'throttled',
    sentence: throttleText,
    remedy: endThrottle,
  },
  rate_limited: { title: 'rate limited', sentence: rateText },
  not_due: {
    title: 'not due yet',
    sentence: ({ available_at, seconds }) =>
      seconds === null
        ? `available at ${available_at}, which never comes`
        : `available at ${clockText(available_at)}, in ${spanText(seconds)}`,
    remedy: (_facts, job) => (job ? makeDue(job.id) : null),
  },
  waits_for_jobs: {
    title: 'waits for jobs',
    sentence: (facts) => `waits for ${boundedJobs(facts.count, mostNeeded)}: ${neededText(facts)}`,
    isLeast: isLeastNeeded,
  },
  dependency_ended: {
    title: 'dependency ended badly',
    sentence: (facts) =>
      `depends on ${neededText(facts)}, and can never run unless that is completed${facts.jobs.every(isOwn) ? '; the next call of a worker that finds nothing else to do cancels it, where a server has not done so before' : ''}`,
    isLeast: isLeastNeeded,
    remedy: ({ jobs }) => {
      const [first] = jobs
      if (first?.status === 'quarantined') return requeue(first)
      return first?.status === 'failed' ? retry(first.id) : null
    },
  },
  dependency_gone: {
    title: 'dependency deleted',
    sentence: goneText,
    isLeast: isLeastNeeded,
    remedy: (_facts, job) => (job ? cancel(job.id) : null),
  },
  dependency_cycle: {
    title: 'dependencies in a circle',
    sentence: () => 'its dependencies lead back to itself, so that they can never be met',
    remedy: (_facts, job) => (job ? cancel(job.id) : null),
  },
  leased: {
    title: 'leased',
    sentence: ({ worker_id, leased_until, since }, now) =>
      `is being worked on${byWorker(worker_id)}${sinceText(since, now)}${leased_until === null ? '; when its lease ends is not known' : `, leased until ${clockText(leased_until)}`}`,
  },
  lease_over: {
    title: 'lease over',
    sentence: ({ worker_id, leased_until }, now, job) =>
      `the lease${worker_id === null ? '' : ` of ${worker_id}`} ended${atText(leased_until, now)}; ${job && !isOwn(job) ? 'the program that runs its queue has not taken it back yet' : 'the next call of a worker takes the job back'}`,
    remedy: (_facts, job) => (job ? reclaim(job.id) : null),
  },
  quarantined: {
    title: 'quarantined',
    sentence: (facts, now) => {
      const streak =
        facts.streak === null || facts.streak === 0 ? '' : `, ${facts.streak} times in a row (${thresholdText(facts)})`
      return `in quarantine${sinceText(facts.since, now)}${errorText(facts)}${streak}`
    },
    remedy: (_facts, job) => (job ? requeue(job) : null),
  },
  retries_used_up: {
    title: 'retries used up',
    sentence: (facts, now) =>
      `failed after ${facts.retry_count ?? 0} of ${facts.max_retries} retries${atText(facts.since, now)}${errorText(facts)}`,
    remedy: (_facts, job) => (job ? retry(job.id) : null),
  },
  cancel_requested: {
    title: 'cancel asked',
    sentence: ({ since, why }, now) =>
      `somebody asked it to end${atText(since, now)}${quotedText(why)}; a worker that holds it hears so at its next renewal`,
  },
  slot_taken: {
    title: 'place taken',
    sentence: ({ policy, key, by, state }) =>
      `the policy ${policy} lets one job${key === null ? '' : ` with the key ${key}`} at a time in, and ${by ?? 'a job outside of your scope'} is ${state}`,
  },
  queue_locked: {
    title: 'queue locked',
    sentence: ({ queue, by, since, runs, holder }, now) => {
      const job = holder === null ? 'a job outside of your scope' : `job ${holder}`
      return `one job of the queue ${queue} runs at a time, and it is locked${byWorker(by)}${sinceText(since, now)}, ${runs ? `which runs ${job}` : 'although none of its jobs runs'}`
    },
  },
  passed_over: {
    title: 'passed over',
    sentence: ({ job_type, taken, flags }) =>
      `workers have begun ${boundedJobs(taken, mostRunning)} behind it since it fell due: those that run now may not have the task ${job_type}${flags.length === 0 ? '' : `, or forbid a flag of it, such as ${flags.join(', ')}`}`,
    isLeast: ({ taken }) => taken >= mostRunning,
  },
  retention_over: {
    title: 'kept too long',
    sentence: ({ since }, now) =>
      `waits for longer than its queue keeps jobs${atText(since, now)}; the engine deletes it at its next maintenance, without running it`,
  },
  no_worker: { title: 'no worker', sentence: workerText, isLeast: ({ running }) => running >= mostRunning },
  finished: {
    title: 'finished',
    sentence: ({ status, since, why, archived }, now) =>
      `${status}${atText(since, now)}${quotedText(why)}${archived ? ', and in the archive' : ''}`,
    remedy: ({ status, archived }, job) => (job && status === 'failed' && !archived ? retry(job.id) : null),
  },
  unknown_state: {
    title: 'unknown state',
    sentence: ({ status }) => `its state ${status ?? 'null'} is not one that workers know`,
  },
}

import type { Verb } from '../../../shared/engine/verbs.ts'
import type { Reason, Remedy } from '../../../shared/explain/reason.ts'
import { ScopeName } from '../../../shared/scope.ts'
import { flagWords, queueWords } from '../../../shared/text/shell.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { QueueAdapter } from '../../engines/adapter.ts'

const base = '/api/v1/jobs'

/** True for a name that calls take as it is. Plain SQL may write others, such as a blank one, or one that ends in a space. */
const isTaken = (name: string): boolean => ScopeName.safeParse(name).data === name

interface Queue {
  domain: string
  queue: string
}

/**
 * A call about a queue; null for a queue that no call can name. The domain of an operand ends at the first slash, so that a domain with
 * a slash has no command.
 */
const ofQueue = (
  { domain, queue }: Queue,
  path: string,
  fields: object,
  words: (named: string[]) => string[],
): Remedy | null =>
  isTaken(domain) && isTaken(queue)
    ? {
        http: { method: 'POST', path: `${base}/queue/${path}`, confirm: false, body: { domain, queue, ...fields } },
        jobsctl: domain.includes('/') ? null : words(queueWords({ domain, queue })),
      }
    : null

/** Resumes a queue. */
export const resume = (queue: Queue): Remedy | null =>
  ofQueue(queue, 'control', { action: 'resume' }, (named) => ['resume', ...named])

/** Ends the throttle of a queue. */
export const endThrottle = (queue: Queue): Remedy | null =>
  ofQueue(queue, 'throttle', { running: null, per_minute: null }, (named) => ['throttle', ...named, '--off'])

/** Puts a quarantined job back into its queue; null for a job of a domain that no call can name. */
export const requeue = ({ id, domain }: { id: JobId; domain: string }): Remedy | null =>
  isTaken(domain)
    ? {
        http: {
          method: 'POST',
          path: `${base}/batch/requeue_quarantined`,
          body: { domain, job_id: id },
          confirm: true,
        },
        jobsctl: ['requeue', String(id)],
      }
    : null

/** Makes a failed job run again. */
export const retry = (id: JobId): Remedy => change(id, 'retry', {})

/** Makes a queued job due at once. */
export const makeDue = (id: JobId): Remedy => {
  const { http } = change(id, 'reschedule', { delay_seconds: 0 })
  return { http, jobsctl: ['reschedule', String(id), '--now'] }
}

/** Takes a running job from its worker. */
export const reclaim = (id: JobId): Remedy => change(id, 'reclaim', {})

/** Cancels a job. The key of a job of another engine is no part of a path. */
export const cancel = (id: JobId): Remedy =>
  typeof id === 'string'
    ? change(id, 'cancel', {})
    : {
        http: { method: 'POST', path: `${base}/${id}/cancel`, body: {}, confirm: false },
        jobsctl: ['cancel', String(id)],
      }

const change = (id: JobId, kind: string, fields: object): Remedy => ({
  http: { method: 'POST', path: `${base}/batch/${kind}`, body: { job_id: id, ...fields }, confirm: true },
  jobsctl: [kind, String(id)],
})

/** A reason whose call names the domain of its job, as the question did: another domain may have the same key. */
export function withinDomain(reason: Reason, domain: string): Reason {
  const { remedy } = reason
  if (!remedy || !('job_id' in remedy.http.body)) return reason
  const http = { ...remedy.http, body: { domain, ...remedy.http.body } }
  const { jobsctl } = remedy
  const isByDomain = jobsctl === null || jobsctl[0] === 'requeue'
  return { ...reason, remedy: { http, jobsctl: isByDomain ? jobsctl : [...jobsctl, ...flagWords('--domain', domain)] } }
}

const verbs: Readonly<Record<string, Verb>> = {
  retry: 'retry',
  reschedule: 'reschedule',
  reclaim: 'reclaim',
  cancel: 'cancel_queued',
}

/** A reason without its call, where the engine of the job cannot make it. */
export function withinEngine(reason: Reason, { can }: Pick<QueueAdapter, 'can'>): Reason {
  const verb = verbs[reason.remedy?.jobsctl?.[0] ?? '']
  return verb === undefined || can[verb] === true ? reason : { ...reason, remedy: null }
}

import { Failure } from '../../../shared/errors.ts'
import { hasEnded } from '../../../shared/jobs/ended-states.ts'
import type { ListedJob } from '../../../shared/jobs/list.ts'
import { type JobId, listedJobId } from '../../../shared/work/job-key.ts'
import type { Client } from '../../http/client.ts'

/** The states that can be waited for. */
export const goals = ['completed', 'ended', 'processing', 'failed', 'cancelled', 'quarantined', 'queued'] as const
export type Goal = (typeof goals)[number]

/** A job as it was seen last; without a status, not yet. */
export interface Seen extends Partial<Pick<ListedJob, 'acquired_at' | 'started_at' | 'error_code'>> {
  id: JobId
  status: string | undefined
}

/** True where a job is as it is waited for. A job that has ended after a worker had it was processing. */
export function isReached({ status, acquired_at, started_at }: Seen, goal: Goal): boolean {
  if (goal === 'ended') return hasEnded(status)
  if (status === goal) return true
  return goal === 'processing' && hasEnded(status) && (acquired_at ?? started_at ?? undefined) !== undefined
}

/** True where a job has ended in another state than the one that is waited for. */
export const isOver = (job: Seen, goal: Goal): boolean => hasEnded(job.status) && !isReached(job, goal)

/** A request has this many ids, or characters of ids, at most: Node's HTTP server takes 16 kB of headers. */
const [mostIds, mostCharacters] = [200, 6000]

/**
 * The states of jobs now. A job that the list does not have may be in the archive, or have been named by another id.
 * @throws Failure `not_found` for a job that is not there; `validation_error` for a name of several jobs
 */
export async function readStates(client: Client, jobs: readonly Seen[], domain: string | undefined): Promise<Seen[]> {
  const { listJobs } = await import('../../../shared/jobs/list.ts')
  const found: Seen[] = []
  for (const part of partsOf(jobs)) {
    const ids = part.map(({ id }) => listedJobId(id)).join(',')
    const { body } = await client.call(listJobs, {
      ids,
      limit: String(mostIds),
      ...(domain !== undefined && { domain }),
    })
    const byName = new Map<string, ListedJob[]>()
    for (const job of body)
      for (const name of new Set([String(job.id), job.uuid?.toLowerCase() ?? '']))
        byName.set(name, [...(byName.get(name) ?? []), job])
    for (const job of part) {
      const name = String(job.id)
      const [only, ...others] = byName.get(name) ?? byName.get(name.toLowerCase()) ?? []
      // A name that jobs of several domains have is refused by the endpoint of one job, which says the domains.
      found.push(only && others.length === 0 ? only : await showOne(client, job, domain))
    }
  }
  return found
}

async function showOne(client: Client, { id, status }: Seen, domain: string | undefined): Promise<Seen> {
  const { showJob } = await import('../../../shared/jobs/show.ts')
  const { body } = await client.call(showJob, { id: String(id), domain, redact: true }).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'not_found') throw error
    const place = domain === undefined ? '' : ` in the domain ${domain}`
    if (status === undefined) throw new Failure('not_found', `there is no job ${id}${place}`)
    throw new Failure(
      'not_found',
      `job ${id} is not there any more${place}, so its end is not known: it was ${status} when it was seen last`,
      { hint: 'some engines delete a job once it is completed; a deleted job may also have been cancelled or pruned' },
    )
  })
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  return {
    id: body.id,
    status: body.status ?? undefined,
    ...{ acquired_at: text(body.acquired_at), started_at: text(body.started_at), error_code: text(body.error_code) },
  }
}

function partsOf(jobs: readonly Seen[]): Seen[][] {
  const parts: Seen[][] = []
  let characters = 0
  for (const job of jobs) {
    const length = listedJobId(job.id).length + 1
    const last = parts.at(-1)
    if (last && last.length < mostIds && characters + length <= mostCharacters) {
      last.push(job)
      characters += length
    } else {
      parts.push([job])
      characters = length
    }
  }
  return parts
}

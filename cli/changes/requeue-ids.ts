import { type NotMatched, requeue } from '../../shared/changes/requeue.ts'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import type { Client } from '../http/client.ts'

/** Where a job is quarantined, or what the server says of a job that is not; both are undefined where the server does not say. */
interface FoundJob {
  domain?: string
  notMatched?: NotMatched
}

/** Without a quarantined job there is no domain to ask for; the answer on a job that does not match is the same in any domain. */
const anyDomain = 'default'

/** Finds the domain of a quarantined job by a dry run in each domain, which changes nothing. */
export async function findJob(client: Client, domains: readonly string[], job_id: number): Promise<FoundJob> {
  let notMatched: NotMatched | undefined
  for (const domain of domains.length > 0 ? domains : [anyDomain]) {
    const { body } = await client.call(requeue, { domain, job_id, dry_run: true })
    if (body.affected > 0) return { domain }
    notMatched = body.not_matched?.find(({ id }) => id === job_id)
    if (notMatched && notMatched.status !== 'quarantined') return { notMatched }
  }
  return { ...(notMatched && { notMatched }) }
}

/**
 * The failure of a requeue that names jobs which are not quarantined: the state of each job.
 * @param unknown ids of which the server says only that no quarantined job has them
 */
export function notRequeueable(missing: readonly NotMatched[], unknown: readonly number[]): Failure {
  const statuses = [...new Set(missing.map(({ status }) => status))]
  const idsOf = (wanted: string | null) => missing.filter(({ status }) => status === wanted).map(({ id }) => id)
  const parts = [
    ...statuses.map((status) => (status === null ? absentText(idsOf(null)) : statusText(status, idsOf(status)))),
    ...(unknown.length > 0 ? [`no quarantined job has the id ${unknown.join(', ')}`] : []),
  ]
  const mayBeBack = unknown.length > 0 || statuses.includes('queued')
  const hint = mayBeBack ? 'it may be back in the queue already' : 'a requeue takes quarantined jobs and no others'
  return new Failure('not_found', `${parts.join('; ')}; nothing was changed`, { hint })
}

const absentText = (ids: readonly number[]): string =>
  ids.length === 1 ? `there is no job ${ids[0]}` : `there are no jobs ${ids.join(', ')}`

function statusText(status: string, ids: readonly number[]): string {
  const which = ids.length === 1 ? `job ${ids[0]} is` : `jobs ${ids.join(', ')} are`
  // A program that writes to the table directly may use a domain that no request can name.
  const why = status === 'quarantined' ? ' in a domain whose name the API does not accept' : ', not quarantined'
  return `${which} ${escaped(status)}${why}`
}

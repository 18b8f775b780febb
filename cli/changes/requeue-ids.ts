import type { NotMatched } from '../../shared/changes/named-ids.ts'
import { requeue } from '../../shared/changes/requeue.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { Client } from '../http/client.ts'

/** Where a job is quarantined, or what the server says of a job that is not; both are undefined where the server does not say. */
interface FoundJob {
  domain?: string
  notMatched?: NotMatched
}

/** Without a quarantined job there is no domain to ask for; the answer on a job that does not match is the same in any domain. */
const anyDomain = 'default'

/** Finds the domain of a quarantined job by a dry run in each domain, which changes nothing. */
export async function findJob(client: Client, domains: readonly string[], job_id: JobId): Promise<FoundJob> {
  let notMatched: NotMatched | undefined
  for (const domain of domains.length > 0 ? domains : [anyDomain]) {
    const { body } = await client.call(requeue, { domain, job_id, dry_run: true })
    if (body.affected > 0) return { domain }
    notMatched = body.not_matched?.find(({ id }) => id === job_id)
    if (notMatched && notMatched.status !== 'quarantined') return { notMatched }
  }
  return { ...(notMatched && { notMatched }) }
}

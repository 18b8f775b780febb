import { Failure } from '../../shared/errors.ts'
import { showJob } from '../../shared/jobs/show.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { Client } from '../http/client.ts'

/** True for the refusal of a server that needs a domain beside the id of a job, as the other server does. */
export const needsDomain = (error: unknown): boolean =>
  error instanceof Failure && error.code === 'invalid_request' && /^--domain: Field required$/m.test(error.message)

/** One request for each job, with its domain. @throws Failure `not_found` */
export const requestsInDomains = (
  client: Client,
  ids: readonly JobId[],
): Promise<{ domain: string | null; job_id: JobId }[]> =>
  Promise.all(
    ids.map(async (job_id) => {
      const { body } = await client.call(showJob, { id: String(job_id) })
      return { domain: body.domain, job_id }
    }),
  )

import * as z from 'zod'

const Acquired = z.object({ jobs: z.array(z.object({ id: z.number(), lease_id: z.string() })) })

interface Working {
  url: string
  key: string
  domain: string
}

/** Completes what is queued in the default queue of a domain, until it is told to stop. */
export async function workOff({ url, key, domain }: Working, stopping: AbortSignal): Promise<void> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json' }
    const answer = await fetch(`${url}/api/v1/jobs/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return answer.json()
  }
  const worker_id = 'worker-of-the-demo'
  while (!stopping.aborted) {
    const { jobs } = Acquired.parse(await post('acquire', { domain, worker_id, limit: 100, wait_seconds: 1 }))
    const ended = jobs.map(({ id, lease_id }) => ({ id, worker_id, lease_id, action: 'complete' }))
    if (ended.length > 0) await post('finish', { jobs: ended })
  }
}

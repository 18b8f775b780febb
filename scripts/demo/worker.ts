import * as z from 'zod'

const Acquired = z.object({ jobs: z.array(z.object({ id: z.number(), lease_id: z.string() })) })

interface Target {
  /** The URL of the server. */
  url: string
  /** An API key. */
  key: string
  domain: string
}

/** Acquires and completes the jobs of a domain until `signal` aborts. */
export async function completeJobs({ url, key, domain }: Target, signal: AbortSignal): Promise<void> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json' }
    const response = await fetch(`${url}/api/v1/jobs/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return response.json()
  }
  const worker_id = 'worker-of-the-demo'
  while (!signal.aborted) {
    const { jobs } = Acquired.parse(await post('acquire', { domain, worker_id, limit: 100, wait_seconds: 1 }))
    const completions = jobs.map(({ id, lease_id }) => ({ id, worker_id, lease_id, action: 'complete' }))
    if (completions.length > 0) await post('finish', { jobs: completions })
  }
}

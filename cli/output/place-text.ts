/** A scope as calls have it: a field that is absent or null is not narrowed. */
interface Place {
  domain?: string | null | undefined
  queue?: string | null | undefined
  job_type?: string | null | undefined
}

/** `chatbooks`, `chatbooks/default export`; `all domains` where neither domain nor queue is named. */
export function placeText({ domain, queue, job_type }: Place, everywhere = 'all domains'): string {
  const place = queue ? `${domain ?? '*'}/${queue}` : (domain ?? everywhere)
  return job_type ? `${place} ${job_type}` : place
}

/** A group as the key of a map: its names as a JSON array. */
export const groupKey = ({ domain, queue, job_type }: Record<'domain' | 'queue' | 'job_type', string | null>): string =>
  JSON.stringify([domain, queue, job_type])

/**
 * The longest text of each field of a filter, in characters. The schemas read it, and so does the dashboard, which says it before it asks.
 */
export const longest = {
  ...{ domain: 128, queue: 128, job_type: 128 },
  ...{ owner_user_id: 128, batch_group: 256, worker_id: 256 },
  ...{ error_code: 256, error: 200, payload: 200 },
} as const

/** The longest name of a queue or a job type of an engine. */
export const longestOfEngines = 1024

/** True for a text of at most `most` characters; a character of four bytes is one. */
export const hasAtMost = (text: string, most: number): boolean => text.length <= most || [...text].length <= most

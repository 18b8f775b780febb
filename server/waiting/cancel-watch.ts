import type { Sql } from '../database/sql.ts'

/** A running job that somebody asked to end. */
export interface AskedToEnd {
  id: number
  worker_id: string
  domain: string
  queue: string
  job_type: string
}

/** Calls of workers that wait until one of their running jobs is asked to end. One statement a second looks for all of them. */
export interface CancelWatch {
  /**
   * @param isNews true for a job for which the call ends
   * @returns those jobs; undefined when `until` aborts before there is one
   * @throws whatever the look throws
   */
  watch: (
    workerId: string,
    isNews: (job: AskedToEnd) => boolean,
    until: AbortSignal,
  ) => Promise<AskedToEnd[] | undefined>
}

interface Watcher {
  workerId: string
  isNews: (job: AskedToEnd) => boolean
  found: (jobs: AskedToEnd[] | undefined) => void
  failed: (error: unknown) => void
}

/** The pause between two looks, in milliseconds. */
const everyMs = 1000

/** @param sql the connections of the looks */
export function createCancelWatch(sql: Sql): CancelWatch {
  const watchers = new Set<Watcher>()
  let isLooking = false

  async function lookForAll(): Promise<void> {
    const asked = [...watchers]
    try {
      const jobs = await askedToEnd(sql, [...new Set(asked.map(({ workerId }) => workerId))])
      for (const { workerId, isNews, found } of asked) {
        const news = jobs.filter((job) => job.worker_id === workerId && isNews(job))
        if (news.length > 0) found(news)
      }
    } catch (error) {
      for (const { failed } of asked) failed(error)
    }
    if (watchers.size > 0) setTimeout(lookForAll, everyMs)
    else isLooking = false
  }

  return {
    watch: (workerId, isNews, until) =>
      new Promise((resolve, reject) => {
        const watcher: Watcher = {
          workerId,
          isNews,
          found: (jobs) => {
            leave()
            resolve(jobs)
          },
          failed: (error) => {
            leave()
            reject(error)
          },
        }
        const end = () => watcher.found(undefined)
        const leave = () => {
          watchers.delete(watcher)
          until.removeEventListener('abort', end)
        }
        if (until.aborted) return resolve(undefined)
        until.addEventListener('abort', end, { once: true })
        watchers.add(watcher)
        // The calls that come at once share the first look.
        if (!isLooking) setTimeout(lookForAll, 0)
        isLooking = true
      }),
  }
}

/** The running jobs of these workers that somebody asked to end, by the index of running jobs. */
export const askedToEnd = async (sql: Sql, workerIds: readonly string[]): Promise<AskedToEnd[]> => [
  ...(await sql<AskedToEnd[]>`
    select id, worker_id, domain, queue, job_type
    from jobs
    where status = 'processing' and worker_id = any(${[...workerIds]}::text[]) and cancel_requested_at is not null`),
]

import type { Running } from './bulk.ts'

const everyMs = 2000

/**
 * Gives signs of life for a running operation, until what it returns is called: a search or a wait may take longer than
 * other servers have patience. While a batch runs, the lock on the record is sign enough.
 */
export function beat({ sql, operation }: Pick<Running, 'sql' | 'operation'>): () => void {
  const touch = () =>
    void sql`
      update job_operations set touched_at = clock_timestamp()
      where id = (select id from job_operations where id = ${operation}::bigint and state = 'running' for update skip locked)
    `.catch(() => {}) // the next batch will hear of it, too
  const timer = setInterval(touch, everyMs).unref()
  return () => clearInterval(timer)
}

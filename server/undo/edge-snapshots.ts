import type { Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/**
 * True where edges have a column for the last status of a job that is deleted, as the newer version of the other program has it. Its
 * workers never take a job with an edge to a missing job that has no such snapshot.
 */
export const hasSnapshots = staticFragment(
  (sql: Sql) => sql`
  exists (
    select from pg_attribute
    where attrelid = to_regclass('job_dependencies') and attname = 'depends_on_terminal_status' and not attisdropped
  )`,
)

import { gunzipSync } from 'node:zlib'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Acting } from '../../call.ts'
import { isJob } from '../../database/job-ids.ts'
import { readJson } from '../../database/lossless-json.ts'
import { isWithin } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { hasIdInArchive, missingArchiveColumns } from '../../undo/archive/archive.ts'

/** A row of `jobs` or `jobs_archive` with every column, those of other programs included. */
interface JobRow {
  id: JobId
  uuid: string | null
  domain: string | null
  queue: string | null
  job_type: string | null
  status: string | null
  [column: string]: unknown
}

export interface FoundJob {
  row: JobRow
  archived: boolean
  /** The attachments and the edges of an archived job, as its row has them. */
  archivedAttachments?: unknown
  archivedEdges?: unknown
}

/** A job that a caller asks for. */
export interface Wanted {
  id: JobId
  within: Acting['within']
}

/** Reads a job and where it is; undefined for an unknown id, and for a job outside of the scope of the caller. */
export async function readJob(sql: Sql, { id, within }: Wanted): Promise<FoundJob | undefined> {
  const [row] = await sql<JobRow[]>`
    select jobs.* from jobs where ${isJob(sql, id)} ${isWithin(sql, within)}`
  return row ? { row: shownOf(sql, row), archived: false } : readArchived(sql, { id, within })
}

/** What statements need of the jobs of another engine is nothing of the job, but for its state in the words of the engine. */
const shownOf = (sql: Sql, row: JobRow): JobRow =>
  servedBy(sql).mode === 'own'
    ? row
    : {
        ...row,
        ...Object.fromEntries(
          Object.keys(row)
            .filter(isForStatements)
            .map((name) => [name, undefined]),
        ),
      }

const isForStatements = (name: string): boolean =>
  name === 'xmin' || name === 'ctid' || (name.startsWith('native_') && name !== 'native_state')

/** Reads a job of the archive. Where another program has archived an id twice, the newest row is the job. */
async function readArchived(sql: Sql, { id, within }: Wanted): Promise<FoundJob | undefined> {
  const missing = await missingArchiveColumns(sql)
  const [found] = await sql<JobRow[]>`
    select jobs.*
    from jobs_archive as jobs
    where ${hasIdInArchive(sql, [id])} ${isWithin(sql, within)}
    ${missing.includes('archived_at') ? sql`` : sql`order by jobs.archived_at desc nulls last`}
    limit 1`
  if (!found) return undefined
  const { payload_compressed, result_compressed, job_attachments, job_dependencies, ...row } = found
  return {
    row: shownOf(sql, {
      ...row,
      payload: row.payload ?? unpacked(payload_compressed),
      result: row.result ?? unpacked(result_compressed),
    }),
    archived: true,
    archivedAttachments: job_attachments,
    archivedEdges: job_dependencies,
  }
}

/** The largest value that is unpacked, in bytes: a small value could unpack to more than the memory holds. */
const maxUnpacked = 64 * 1024 * 1024

/** The JSON in a value that was compressed with gzip; null where there is none, or the value cannot be unpacked. */
function unpacked(compressed: unknown): unknown {
  if (!(compressed instanceof Uint8Array)) return null
  try {
    const text = gunzipSync(compressed, { maxOutputLength: maxUnpacked }).toString('utf8')
    JSON.parse(text)
    return readJson(text)
  } catch {
    return null
  }
}

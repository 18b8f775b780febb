import type { ListedJob, ListRequest } from '../../../shared/jobs/list.ts'
import type { Call } from '../../call.ts'
import { limitReadTime } from '../../database/read-timeout.ts'
import type { Sql } from '../../database/sql.ts'
import { pageLink } from '../page-link.ts'
import { openCursor, sealCursor } from '../sealed-cursor.ts'
import { listByRank, type RankKey } from './list-by-rank.ts'
import { listByTime, type TimeKey } from './list-by-time.ts'
import { Cursor } from './list-cursor.ts'
import type { Page } from './list-page.ts'

/**
 * One page of jobs, with the header `Link` to the pages beside it, and `X-Scanned` and `X-Complete`: whether all jobs were
 * compared that the page could have.
 * @throws Failure `invalid_request` for a cursor of another list
 */
export async function listJobs(call: Call, request: ListRequest): Promise<ListedJob[]> {
  const cursor = openCursor(request, Cursor)
  const page = await call.sql.begin(async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    return readPage(tx, request, cursor)
  })
  const links = [linkTo(page.next, request), linkTo(page.prev, request)].filter((link) => link !== undefined)
  if (links.length > 0) call.addHeader('Link', links.join(', '))
  call.addHeader('X-Scanned', String(page.scanned))
  call.addHeader('X-Complete', String(page.isComplete))
  return page.jobs
}

function readPage(sql: Sql, request: ListRequest, cursor: Cursor | undefined): Promise<Page> {
  const { sort_by } = request
  if (isRank(sort_by)) return listByRank(sql, { ...request, sort_by }, cursor)
  return listByTime(sql, { ...request, sort_by }, cursor)
}

const isRank = (key: TimeKey | RankKey): key is RankKey => key === 'priority' || key === 'status'

/** A link to another page: the same request with its cursor. */
function linkTo(cursor: Cursor | undefined, request: ListRequest): string | undefined {
  if (!cursor) return undefined
  const { payload = [], cursor: _cursor, ...fields } = request
  const values = Object.fromEntries(payload.map(({ path, value }) => [`payload.${path.join('.')}`, value]))
  return pageLink({ ...fields, ...values, cursor: sealCursor(cursor, request) }, cursor.to)
}

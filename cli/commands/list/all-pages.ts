import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { type ListedJob, listJobs } from '../../../shared/jobs/list.ts'
import type { Context } from '../../context.ts'
import type { Client } from '../../http/client.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { refuseUnfiltered } from './unfiltered.ts'

type Request = z.input<typeof listJobs.input> & object

/** One page of a list. */
export interface Page {
  jobs: readonly ListedJob[]
  /** The page as the server sent it. */
  raw: unknown
  /** False where the server stopped before it had compared all jobs that the page could have. */
  isComplete: boolean
  /** How many jobs the server compared; undefined where it does not say. */
  scanned: number | undefined
  /** The list has the jobs that were made last alone: no page has an older one. */
  onlyNewest: boolean
  /** Row-level security hides jobs from the server. */
  hides: boolean
  /** An index that the database lacks for the list. */
  missingIndex: string | undefined
  /** The cursor of the next page. */
  next: string | undefined
}

/** The most jobs of one page. */
const pageSize = 1000

/**
 * A list page by page, each read when the one before it is done with.
 * @param limit the most jobs of the page that is read next
 * @throws Failure `unexpected_answer` for a server that leads in a circle
 */
export async function* pagesOf(context: Context, request: Request, limit: () => number): AsyncGenerator<Page> {
  for (let cursor: string | undefined; ; ) {
    // Each page has its own deadline, unless --timeout gives one for all of them.
    const client = context.settings.timeoutGiven ? await context.client() : await context.newClient()
    const page = await readPage(client, { ...request, limit: String(limit()), ...(cursor !== undefined && { cursor }) })
    yield page
    if (page.next === undefined) return
    if (page.next === cursor)
      throw new Failure('unexpected_answer', `${client.target.name} leads to the same page of the list again`)
    cursor = page.next
  }
}

/** Of the header `Link` only the cursor is used, so that every page comes from the server of the first one. */
async function readPage(client: Client, request: Request): Promise<Page> {
  const { body, raw, header } = await client.call(listJobs, request)
  refuseUnfiltered(client.target.name, request, header)
  const [next, complete, scanned] = [nextCursor(header('link')), header('x-complete'), header('x-scanned')]
  const jobs = body
  if (next === undefined && complete === undefined && jobs.length >= pageSize) throw endless(client.target.name)
  return {
    jobs,
    raw,
    isComplete: complete !== 'false',
    next,
    scanned: scanned === undefined ? undefined : Number(scanned),
    onlyNewest: header('x-only-newest') === 'true',
    hides: header('x-hides-rows') === 'true',
    missingIndex: header('x-missing-index')?.split(', ')[0],
  }
}

/**
 * All pages of a list.
 * @throws Failure `unexpected_answer` for a server that leads in a circle, and for one that does not lead on from a full page; `database_busy`
 * after the last page, where the jobs of an engine are more than its server sorts by priority or status
 */
export async function* allPages(context: Context, request: Request): AsyncGenerator<Page> {
  let last: Page | undefined
  for await (const page of pagesOf(context, request, () => pageSize)) {
    last = page
    yield page
  }
  if (last?.onlyNewest)
    throw new Failure('database_busy', `these are not all jobs: ${sortsNewest(last)}`, {
      hint: `${everyPage}, or narrow the list with --queue or --status`,
    })
}

/** Why a list by priority or status lacks jobs, as a clause, and what has them. */
export const sortsNewest = ({ scanned }: Pick<Page, 'scanned'>): string =>
  `by priority or status the server sorts only the ${scanned === undefined ? 'jobs' : groupedDigits(scanned)} that were made last, and older ones are missing`
export const everyPage = 'sort by created_at, which has all pages'

const endless = (server: string) =>
  new Failure('unexpected_answer', `${server} has no pages: after ${pageSize} jobs there may be more`, {
    hint: 'narrow the list with --domain, --queue or --status',
  })

/** The cursor of the next page in a header `Link` (RFC 8288). */
function nextCursor(link: string | undefined): string | undefined {
  const [, target] = /<([^>]*)>[^<]*;\s*rel="?next"?/.exec(link ?? '') ?? []
  const [, query] = target?.split('?') ?? []
  return new URLSearchParams(query).get('cursor') ?? undefined
}

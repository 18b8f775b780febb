import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import { type ListedJob, listJobs } from '../../shared/jobs/list.ts'
import type { Context } from '../context.ts'

/** One page of a list. */
export interface Page {
  jobs: readonly ListedJob[]
  /** The page as the server sent it. */
  raw: unknown
}

/** The most jobs of one page. */
const pageSize = 1000

/**
 * A list page by page, each read when the one before it is done with. Of the header `Link` only the cursor is used, so that
 * every page comes from the server of the first one.
 * @throws Failure `unexpected_answer` for a server that leads in a circle, and for one that does not lead on from a full page
 */
export async function* allPages(
  context: Context,
  request: z.input<typeof listJobs.input> & object,
): AsyncGenerator<Page> {
  for (let cursor: string | undefined; ; ) {
    // Each page has its own deadline, unless --timeout gives one for all of them.
    const client = context.settings.timeoutGiven ? await context.client() : await context.newClient()
    const page = { ...request, limit: String(pageSize), ...(cursor !== undefined && { cursor }) }
    const { body, raw, header } = await client.call(listJobs, page)
    yield { jobs: body, raw }
    const next = nextCursor(header('link'))
    const server = client.target.url.origin
    if (next === undefined && header('x-complete') === undefined && body.length >= pageSize) throw endless(server)
    if (next === undefined) return
    if (next === cursor) throw new Failure('unexpected_answer', `${server} leads to the same page of the list again`)
    cursor = next
  }
}

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

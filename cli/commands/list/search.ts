import { Failure } from '../../../shared/errors.ts'
import type { ListedJob } from '../../../shared/jobs/list.ts'
import type { Scope } from '../../../shared/scope.ts'
import { compareJobIds } from '../../../shared/work/job-key.ts'
import type { Context } from '../../context.ts'
import { hasNoJobs } from '../../guard/known-scope.ts'
import { type ProgressReporter, progressReporter } from '../../output/progress-bar.ts'
import { groupedDigits, jobsText, sumOf } from '../../text/numbers.ts'
import { type Page, pagesOf } from './all-pages.ts'

/** What a search of a list found. */
export interface Found {
  jobs: readonly ListedJob[]
  /** The jobs as the server sent them. */
  raw: unknown
  /** False where jobs that match may be missing. */
  isComplete: boolean
  /** Whether more jobs follow. */
  hasMore: boolean
  /** How many jobs the server compared. */
  scanned: number
  /** The list has the jobs that were made last alone: no page has an older one. */
  onlyNewest: boolean | undefined
  /** Row-level security hides jobs from the server. */
  hides: boolean | undefined
  missingIndex: string | undefined
  /** The failure of a search that the time of `--timeout` ended. */
  overdue: Failure | undefined
}

interface Search {
  /** The request of the first page. */
  request: Record<string, string>
  scope: Scope
}

/**
 * The first jobs of a list. A page that the server ended before it was full is no answer: the search goes on from there until the
 * limit is reached, or the list or the time of `--timeout` is over.
 */
export async function searchList(context: Context, { request, scope }: Search): Promise<Found> {
  const limit = Number(request.limit)
  const progress = searchProgress(context)
  const pages: Page[] = []
  const count = () => sumOf(pages.map(({ jobs }) => jobs.length))
  try {
    for await (const page of pagesOf(context, request, () => limit - count())) {
      pages.push(page)
      progress.page(page)
      if (page.isComplete || count() >= limit) break
      if (pages.length === 1 && count() === 0 && (await hasNoJobs(context, scope)))
        return foundIn([{ ...page, isComplete: true, next: undefined }], request)
    }
    return foundIn(pages, request)
  } catch (error) {
    if (pages.length === 0 || !(error instanceof Failure) || error.code !== 'timed_out') throw error
    return { ...foundIn(pages, request), isComplete: false, overdue: overdue(error, scannedIn(pages)) }
  } finally {
    progress.clear()
  }
}

const scannedIn = (pages: readonly Page[]): number => sumOf(pages.map(({ scanned = 0 }) => scanned))

function foundIn(pages: readonly Page[], request: Record<string, string>): Found {
  const last = pages.at(-1)
  const all = pages.flatMap(({ jobs, raw }) => {
    const rows: unknown[] = Array.isArray(raw) ? raw : []
    return jobs.map((job, at) => ({ job, raw: rows[at] }))
  })
  if (pages.length > 1) all.sort(({ job: one }, { job: other }) => byRank(one, other, request))
  const hasEnded = pages.length > 1 && last?.next === undefined
  return {
    jobs: all.map(({ job }) => job),
    raw: pages.length === 1 ? last?.raw : all.map(({ raw }) => raw),
    isComplete: last?.isComplete || hasEnded,
    hasMore: last?.next !== undefined,
    scanned: scannedIn(pages),
    onlyNewest: last?.onlyNewest,
    hides: last?.hides,
    missingIndex: last?.missingIndex,
    overdue: undefined,
  }
}

/** No index has a list by rank in its order: the server sorts one range of ids after the other. A list by a time stays as it is. */
function byRank(one: ListedJob, other: ListedJob, { sort_by, sort_order }: Record<string, string>): number {
  const sign = sort_order === 'desc' ? -1 : 1
  if (sort_by === 'status')
    return sign * (one.status < other.status ? -1 : one.status > other.status ? 1 : compareJobIds(one.id, other.id))
  if (sort_by !== 'priority') return 0
  if (one.priority === null || other.priority === null)
    return Number(one.priority === null) - Number(other.priority === null) || sign * compareJobIds(one.id, other.id)
  return sign * (one.priority - other.priority || compareJobIds(one.id, other.id))
}

const overdue = (cause: Failure, scanned: number): Failure =>
  new Failure(
    'timed_out',
    `the search did not end in the time of --timeout: the server compared ${jobsText(scanned)}, and only those that match so far are listed`,
    { hint: 'give it more time by --timeout, or narrow the list', server: cause.server, cause },
  )

/** How far a search is, on stderr: at a terminal a line that changes, elsewhere a line every 10 s. */
export function searchProgress({ io, settings }: Context): Pick<ProgressReporter, 'clear'> & {
  page: (page: Page) => void
} {
  let [scanned, found] = [0, 0]
  const reporter = progressReporter({
    io,
    quiet: settings.quiet,
    before: 0,
    total: undefined,
    say: (jobs) => `${groupedDigits(found)} found among ${jobs}`,
  })
  return {
    clear: reporter.clear,
    page(page) {
      scanned += page.scanned ?? page.jobs.length
      found += page.jobs.length
      if (page.next !== undefined) reporter.report({ affected: scanned, total: null })
    },
  }
}

import { Failure } from '../../shared/errors.ts'
import type { ListedJob } from '../../shared/jobs/list.ts'
import type { CommandSpec, Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import type { Ending, Printer } from '../output/print.ts'
import { describeAnyOf, scopeOf } from '../settings/flags/scope-flags.ts'
import { withWholeCluster } from '../settings/flags/whole-cluster.ts'
import { withStaleReads } from '../stale-reads.ts'
import { groupedDigits } from '../text/numbers.ts'
import { lackingFilters } from '../text/scope-text.ts'
import type { Page } from './list/all-pages.ts'
import { type ListFlags, listFlags, listRequest } from './list/request.ts'
import type { Found } from './list/search.ts'

export const list: CommandSpec<ListFlags> = {
  name: 'list',
  group: 'READ',
  summary: 'jobs that match a filter, the newest first',
  about: 'Lists jobs, the newest first. Every flag narrows the list. Payloads and results are not shown.',
  examples: [
    'jobsctl list --domain chatbooks --status failed,quarantined --ended-after 1h',
    'jobsctl list --domain chatbooks --error timeout --sort priority:desc --limit 20',
    'jobsctl list --stale --columns id,worker_id,leased_until',
    'jobsctl list --domain chatbooks --status processing --watch',
    'jobsctl list --domain chatbooks --all-pages | jq -r .uuid',
  ],
  fleet: true,
  flags: listFlags,
  async rows(_operands, flags: ListFlags) {
    const { columns, moreFor } = await import('./list/columns.ts')
    return [...columns, ...moreFor(flags)]
  },
  async run(caller, given) {
    const { context, tell } = withStaleReads(caller, given.staleOk)
    const { listJobs: endpoint } = await import('../../shared/jobs/list.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    refuseContradictions(context, given)
    const flags = await withWholeCluster(context, given)
    const request = listRequest(flags, context.settings)
    parseInput(endpoint.input, request)
    if (context.settings.curl) {
      context.print.text(curlOf(context, endpoint, request))
      return 'ok'
    }
    const listing = { request, flags }
    if (flags.watch) return watchList(context, listing)
    const ending = await (flags.allPages ? printPages(context, listing) : printPage(context, listing))
    tell()
    return ending
  },
}

interface Listing {
  /** The request of the first page. */
  request: Record<string, string>
  flags: ListFlags
}

async function printPage(context: Context, { request, flags }: Listing): Promise<Ending> {
  const { searchList } = await import('./list/search.ts')
  const { columns, columnsForPeople, id, moreFor } = await import('./list/columns.ts')
  const print = await printerFor(context, flags)
  const scope = scopeOf(flags)
  const found = await searchList(context, { request, scope })
  const { jobs, raw, isComplete } = found
  if (jobs.length === 0 && isComplete) await explainEmptyList(context, found, flags)
  const empty = emptyText(found, scope)
  // Without the head of a table: the ids are read by programs, also where JOBSCTL_OUTPUT asks for tables.
  if (flags.ids && print.forPeople && jobs.length > 0) print.result(jobs.map((job) => `${job.id}\n`).join(''))
  else if (flags.ids) print.rows({ columns: [id], rows: jobs, json: jobs.map((job) => job.id), empty })
  else {
    const look = { columns, more: moreFor(flags), forPeople: columnsForPeople(jobs) }
    print.rows({ ...look, rows: jobs, json: await rowsOf(context, { jobs, raw }, flags), empty })
  }
  if (found.overdue) throw found.overdue
  if (!isComplete) {
    print.aside(await incomplete(found, request))
    // Each build is a command of its own.
    if (found.missingIndex !== undefined) {
      const name = found.missingIndex.replaceAll(/\W/g, '')
      print.aside(`note: the database lacks an index for this list: jobs-server indexes build ${name}`)
    }
  } else if (found.hasMore && (print.forPeople || !flags.limit)) {
    // A script that gives no limit may take the first page for all jobs.
    print.aside(`note: ${firstText(jobs.length)}; narrow the filter, raise --limit to 1000, or use --all-pages`)
  }
  return 'ok'
}

async function watchList(context: Context, { request, flags }: Listing): Promise<Ending> {
  const { searchList } = await import('./list/search.ts')
  const { columns, columnsForPeople, moreFor } = await import('./list/columns.ts')
  const { watch } = await import('../watch.ts')
  const scope = scopeOf(flags)
  return watch<ListedJob>(context, async (client) => {
    const found = await searchList({ ...context, client: async () => client }, { request, scope })
    const { jobs, raw, isComplete, hasMore } = found
    const note = isComplete
      ? hasMore
        ? [`${firstText(jobs.length)}; more match`]
        : []
      : [await incomplete(found, request)]
    return {
      ...{ rows: jobs, json: raw, columns: [...columns, ...moreFor(flags)], more: 'more jobs' },
      below: note.length > 0 ? ['', ...note] : [],
      empty: emptyText(found, scope),
      forPeople: async (rows) => ({ rows, columns: columnsForPeople(rows) }),
    }
  })
}

/** All pages, of which only one is in memory at a time. */
async function printPages(context: Context, { request, flags }: Listing): Promise<Ending> {
  const { allPages } = await import('./list/all-pages.ts')
  const { searchProgress } = await import('./list/search.ts')
  const { hasNoJobs } = await import('../guard/known-scope.ts')
  const { columns, id, moreFor } = await import('./list/columns.ts')
  const output = context.flags.output === 'tsv' || context.flags.tsv ? 'tsv' : 'ndjson'
  const print = await printerFor(context, flags, output)
  const write = print.growing(flags.ids ? { columns: [id] } : { columns, more: moreFor(flags) })
  const progress = searchProgress(context)
  let [count, pages, hides] = [0, 0, false]
  try {
    for await (const page of allPages(context, request)) {
      const { jobs } = page
      if (context.io.outGone()) return 'ok'
      // A first page without a next one has jobs of a sample.
      if (pages === 0 && !page.isComplete && page.next === undefined) throw onlySample(page, request)
      if (jobs.length > 0) progress.clear()
      write(jobs, flags.ids ? jobs.map((job) => job.id) : await rowsOf(context, page, flags))
      count += jobs.length
      pages += 1
      hides = page.hides
      progress.page(page)
      if (count > 0 || pages > 1 || page.next === undefined) continue
      if (await hasNoJobs(context, scopeOf(flags))) break
    }
  } finally {
    progress.clear()
  }
  if (count === 0) await explainEmptyList(context, { hides }, flags)
  return 'ok'
}

/** The printer of a list, whose rows have the payload beside `--columns` where `--payload` asks for it. */
async function printerFor(
  { io, settings, print }: Context,
  { payload }: ListFlags,
  output = settings.output,
): Promise<Printer> {
  const columns = payload && settings.columns !== undefined ? `${settings.columns},payload` : settings.columns
  if (output === settings.output && columns === settings.columns) return print
  const { createPrinter } = await import('../output/print.ts')
  return createPrinter(io, { ...settings, output, columns }, print.isBare)
}

/** The rows for JSON: the fields of the API, and the payload where `--payload` asks for it. */
async function rowsOf(
  context: Context,
  { jobs, raw }: { jobs: readonly ListedJob[]; raw: unknown },
  flags: ListFlags,
): Promise<unknown> {
  if (!flags.payload) return raw
  const { withPayloads } = await import('./list/payloads.ts')
  return withPayloads(context, { ids: jobs.map(({ id }) => id), rows: raw, raw: flags.raw ?? false })
}

const emptyText = ({ isComplete }: Pick<Found, 'isComplete'>, scope: ReturnType<typeof scopeOf>): string =>
  isComplete ? `no job matches in ${describeAnyOf(scope)}` : 'no job was found so far'

/** A scope without jobs is often misspelled: an error with `--must-exist`, a note at a terminal. */
async function explainEmptyList(context: Context, { hides }: Pick<Found, 'hides'>, flags: ListFlags): Promise<void> {
  if (hides) return context.print.aside(`note: row-level security hides jobs: ${context.another(['doctor'])}`)
  if (!flags.mustExist && !context.print.forPeople) return
  const { noteUnknownScope, refuseUnknownScope } = await import('../guard/known-scope.ts')
  if (flags.mustExist) await refuseUnknownScope(context, scopeOf(flags))
  else await noteUnknownScope(context, scopeOf(flags))
}

function refuseContradictions({ flags: { output, json }, settings, print }: Context, flags: ListFlags): void {
  const { columns, template } = settings
  if (flags.ids && (columns ?? template) !== undefined)
    throw new Failure('usage', `--ids and ${columns === undefined ? '--template' : '--columns'} exclude each other`)
  const beside = flags.allPages ? '--all-pages' : flags.ids ? '--ids' : flags.payload ? '--payload' : undefined
  if (flags.watch && beside !== undefined) throw new Failure('usage', `--watch and ${beside} exclude each other`)
  if (flags.raw && !flags.payload) throw new Failure('usage', '--raw: needs --payload')
  if (flags.payload) refuseWithoutJson(print.structured || template !== undefined, flags)
  if (!flags.allPages) return
  if (flags.limit !== undefined) throw new Failure('usage', '--all-pages and --limit exclude each other')
  if (json || output === 'json' || output === 'table') {
    throw new Failure(
      'usage',
      '--all-pages prints jobs as they come, so its output is neither a table nor one document',
      {
        hint: 'leave out the format for a line of JSON for each job, or use --tsv',
      },
    )
  }
}

/** A payload is JSON: neither a table nor TSV has a place for it. */
function refuseWithoutJson(structured: boolean, flags: ListFlags): void {
  if (flags.ids) throw new Failure('usage', '--ids and --payload exclude each other')
  if (structured || flags.allPages) return
  throw new Failure('usage', '--payload: needs --ndjson, --json or --template', {
    hint: 'jobsctl show <id> shows the payload of one job',
  })
}

const onlySample = ({ scanned = 0 }: Page, request: Record<string, string>): Failure =>
  new Failure(
    'database_busy',
    `the server cannot read all jobs in time${scanned === 0 ? '' : `, and compared ${groupedDigits(scanned)} of them`}: they are not all pages`,
    { hint: narrowing(request)[0] },
  )

function narrowing({ domain, queue, status }: Record<string, string>): string[] {
  const lacking = lackingFilters({ '--domain': domain, '--queue': queue, '--status': status })
  return lacking === '' ? [] : [`narrow the list with ${lacking}`]
}

/** The note of a search that the server ended early: jobs that match may be missing. */
async function incomplete(
  { scanned, hasMore, onlyNewest }: Pick<Found, 'scanned' | 'hasMore' | 'onlyNewest'>,
  request: Record<string, string>,
): Promise<string> {
  if (onlyNewest) {
    const { everyPage, sortsNewest } = await import('./list/all-pages.ts')
    // A caller with a scope is not told how many.
    return `note: ${sortsNewest({ scanned: scanned || undefined })}; ${[everyPage, ...narrowing(request)].join(', or ')}`
  }
  const how = [...(hasMore ? ['add --all-pages'] : []), ...narrowing(request)].join(', or ')
  // A caller with a scope is not told how many.
  const stopped =
    scanned === 0 ? 'stopped before it had compared all jobs' : `compared ${groupedDigits(scanned)} jobs and stopped`
  const what = `note: the server ${stopped}, so jobs that match may be missing`
  return how === '' ? what : `${what}; ${how}`
}

const firstText = (count: number): string => (count === 1 ? 'the first job' : `the first ${count} jobs`)

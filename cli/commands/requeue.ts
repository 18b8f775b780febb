import type { NotMatched } from '../../shared/changes/named-ids.ts'
import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import { escaped } from '../../shared/text/escape.ts'
import { flagWords } from '../../shared/text/shell.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { OneRequeue } from '../changes/requeue.ts'
import type { CommandSpec, Context } from '../context.ts'
import type { Naming } from '../guard/named-jobs.ts'
import { type Canaries, type CanaryFlags, canaryFlags, canaryOf } from '../settings/flags/canary-flags.ts'
import { type ScopedFilterFlags, scopedFilterFlags, scopedFilterOf } from '../settings/flags/filter-flags.ts'
import { type RunAgainFlags, runAgainFlags, runAgainOf } from '../settings/flags/run-again-flags.ts'
import { allFlag, mustExistFlag, scopeFlags } from '../settings/flags/scope-flags.ts'
import { idsFileFlag, idsIn } from '../settings/flags/selection-flags.ts'
import { withWholeCluster } from '../settings/flags/whole-cluster.ts'
import { jobIdsOf } from '../settings/job-id.ts'

interface RequeueFlags extends ScopedFilterFlags, CanaryFlags, RunAgainFlags {
  idsFile?: string
}

export const requeue: CommandSpec<RequeueFlags> = {
  name: 'requeue',
  group: 'CHANGE',
  summary: 'put quarantined jobs back in the queue',
  about:
    'Puts quarantined jobs back in the queue. They are due at once and have all their retries again, and the jobs that were cancelled because of them come back, too.',
  examples: ['jobsctl requeue --domain chatbooks --canary 20 --canary-wait 5m --yes', 'jobsctl requeue 8123 8124'],
  operands: '[ids...]',
  flags: [...scopeFlags, allFlag, mustExistFlag, idsFileFlag, ...runAgainFlags, ...canaryFlags, ...scopedFilterFlags],
  changes: true,
  async run(context, flags, ids) {
    const { requeueChange, requeueRequest } = await import('../changes/requeue.ts')
    const { guardChange } = await import('../guard/guard.ts')
    const named = flags.idsFile === undefined ? undefined : await idsIn(context, flags.idsFile)
    const {
      scope,
      fields,
      words: which,
    } = selectedBy(ids.length > 0 ? flags : await withWholeCluster(context, flags), ids)
    const canary = canaryOfOneDomain(context, flags, ids)
    const again = runAgainOf(flags)
    const found = await requestsFor(context, { scope, ids, isNamed: named !== undefined })
    const requests = found.requests.map((request) =>
      requeueRequest({ ...fields, ...request, ...(named && { ids: named }), ...again.fields }),
    )
    const words = ['requeue', ...which, ...again.words, ...(canary?.words ?? [])]
    const mustExist = flags.mustExist ?? false
    const isNarrowed = Object.values({ ...scope, ...fields }).some((value) => value !== undefined)
    const byFile = named && { fromFile: true, mustExist, inEach: named.length, isNarrowed }
    const naming = found.naming ?? byFile
    const selected = naming ? { naming } : { scope, mustExist }
    const change = { ...requeueChange(requests, words, named ? { ...fields, ids: named } : fields), ...selected }
    if (!canary) return guardChange(context, change)
    const { withCanaries } = await import('../guard/canary.ts')
    return guardChange(context, change, { apply: withCanaries(canary), canaries: canary, needsToken: '--canary' })
  },
}

/**
 * The canary jobs; the server gives the token for the other jobs of one call, so that the requeue must be one call.
 * @throws Failure `usage`
 */
function canaryOfOneDomain(context: Context, flags: RequeueFlags, ids: string[]): Canaries | undefined {
  const canaries = canaryOf(context, flags, ids)
  if (canaries && flags.domain === undefined) {
    throw new Failure('usage', '--canary needs --domain', { hint: 'requeue the domains one by one' })
  }
  return canaries
}

/**
 * The jobs that ids or flags select: their scope, the fields of the filter, and the words of the command line.
 * @throws Failure `usage`
 */
function selectedBy(flags: RequeueFlags, ids: string[]): ReturnType<typeof scopedFilterOf> {
  if (ids.length === 0) {
    const { idsFile, ...narrowing } = flags
    if (idsFile === undefined) return scopedFilterOf(narrowing)
    const { words, ...selected } = scopedFilterOf({ ...narrowing, ...(flags.domain === undefined && { all: true }) })
    return { ...selected, words: [...words.filter((word) => word !== '--all'), ...flagWords('--ids-file', idsFile)] }
  }
  const { canary: _c, canaryWait: _w, spread: _s, dependents: _d, mustExist: _m, ...filter } = flags
  if (Object.keys(filter).length > 0) throw new Failure('usage', 'ids and a scope exclude each other')
  jobIdsOf(ids) // A word that is no id is refused before anything is sent.
  return { scope: {}, fields: {}, words: ids }
}

interface Requests {
  requests: OneRequeue[]
  naming?: Naming
}

interface Asked {
  scope: Scope
  ids: string[]
  /** True where a file names the jobs. */
  isNamed: boolean
}

async function requestsFor(context: Context, { scope, ids, isNamed }: Asked): Promise<Requests> {
  const { domain, ...rest } = scope
  const { requeueRequest } = await import('../changes/requeue.ts')
  if (domain !== undefined) return { requests: [requeueRequest(scope)] }
  if (context.settings.curl && ids.length > 0) {
    throw new Failure('usage', '--curl and ids exclude each other', {
      hint: 'the call needs the domain of each job, which jobsctl first asks the server for; give --domain instead of ids',
    })
  }
  if (context.settings.curl) {
    throw new Failure('usage', '--curl needs --domain here, since the call needs a domain', {
      hint: 'add --domain; without it, jobsctl first asks the server for the domains',
    })
  }
  const domains = await quarantinedDomains(context, rest)
  // Without a quarantined job any domain says of each id what has become of its job.
  if (domains.length === 0 && !isNamed) await refuseForEngine(context)
  const asked = isNamed && domains.length === 0 ? ['default'] : domains
  if (ids.length === 0) return { requests: asked.map((domain) => requeueRequest({ ...rest, domain })) }
  return requestsForIds(context, domains, [...new Set(jobIdsOf(ids))])
}

/** @throws Failure `not_supported` where no engine of the server quarantines jobs, so that no call that says so is sent */
async function refuseForEngine(context: Context): Promise<void> {
  const { readLacks } = await import('../http/engine-lacks.ts')
  const why = (await readLacks(await context.client())).get('requeue')
  if (why === undefined) return
  const [cannot, ...instead] = why.split(': ')
  throw new Failure('not_supported', `${cannot}; nothing was changed`, { hint: instead.join(': ') })
}

async function quarantinedDomains(context: Context, scope: Scope): Promise<string[]> {
  const { stats } = await import('../../shared/queues/stats.ts')
  const { ScopeName } = await import('../../shared/scope.ts')
  const { body } = await (await context.client()).call(stats, scope)
  const domains = [...new Set(body.filter(({ quarantined }) => quarantined > 0).map(({ domain }) => domain))]
  const named = domains.filter((domain) => ScopeName.safeParse(domain).data === domain)
  const others = domains.filter((domain) => !named.includes(domain))
  if (others.length > 0) {
    // Programs that write to the tables directly may use names that the API rejects.
    const names = others.map((domain) => escaped(JSON.stringify(domain))).join(', ')
    context.print.aside(`note: the API does not accept the names of these domains, which are left out: ${names}`)
  }
  return named
}

/**
 * The requests for jobs by id. The API needs the domain of each job, so each domain is previewed until one has the job.
 * @throws Failure `not_found` or `conflict` where none of them is quarantined
 */
async function requestsForIds(context: Context, domains: string[], ids: JobId[]): Promise<Requests> {
  const { findJob } = await import('../changes/requeue-ids.ts')
  const { requeueRequest } = await import('../changes/requeue.ts')
  const { noneOfNamed } = await import('../guard/named-jobs.ts')
  const client = await context.client()
  const found: OneRequeue[] = []
  const before: NotMatched[] = []
  const unknown: JobId[] = []
  for (const job_id of ids) {
    const { domain, notMatched } = await findJob(client, domains, job_id)
    if (domain !== undefined) found.push(requeueRequest({ domain, job_id }))
    else if (notMatched) before.push(notMatched)
    else unknown.push(job_id)
  }
  const naming = { fromFile: false, mustExist: false, before, unknown }
  const none = found.length === 0 ? noneOfNamed(context, { name: 'requeue', naming }, []) : undefined
  if (none) throw none
  return { requests: found, naming }
}

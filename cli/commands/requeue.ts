import type { NotMatched } from '../../shared/changes/requeue.ts'
import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import type { OneRequeue } from '../changes/requeue.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'
import { escaped } from '../escape.ts'
import { seconds } from '../settings/duration.ts'
import {
  allFlag,
  mustExistFlag,
  type ScopeFlags,
  scopeFlags,
  scopeOf,
  scopeOfChange,
  scopeWords,
} from '../settings/scope-flags.ts'

interface RequeueFlags extends ScopeFlags {
  mustExist?: boolean
  canary?: string
  canaryWait?: string
}

export const requeue: CommandSpec<RequeueFlags> = {
  name: 'requeue',
  group: 'CHANGE',
  summary: 'put quarantined jobs back in the queue',
  about: 'Puts quarantined jobs back in the queue. They are due at once and have all their retries again.',
  examples: [
    'jobsctl requeue --domain chatbooks --dry-run',
    'jobsctl requeue --domain chatbooks --job-type export --max 100 --yes',
    'jobsctl requeue --domain chatbooks --canary 20 --canary-wait 5m --yes',
    'jobsctl requeue 8123 8124',
  ],
  operands: '[ids...]',
  flags: [
    ...scopeFlags,
    allFlag,
    mustExistFlag,
    { flags: '--canary <n>', about: 'requeue n jobs first, and the rest when these n are completed', group: 'HOW' },
    { flags: '--canary-wait <duration>', about: 'how long the canary jobs may take (default: 60s)', group: 'HOW' },
  ],
  changes: true,
  async run(context, flags, ids) {
    const { requeueChange } = await import('../changes/requeue.ts')
    const { guardChange } = await import('../guard/guard.ts')
    const scope = scopeFor(flags, ids)
    const canary = canaryOf(context, flags, ids)
    const requests = await requestsFor(context, scope, ids)
    const words = ['requeue', ...ids, ...scopeWords(scope, flags.all), ...(canary?.words ?? [])]
    const named = ids.length > 0 ? {} : { scope, mustExist: flags.mustExist ?? false }
    const change = { ...requeueChange(requests, words, scope), ...named }
    if (!canary) return guardChange(context, change)
    const { withCanaries } = await import('../guard/canary.ts')
    return guardChange(context, change, { apply: withCanaries(canary), needsToken: '--canary' })
  },
}

const mostCanaries = 1000

/** How many jobs to requeue first, and how many milliseconds to watch them. */
function canaryOf({ settings }: Context, { canary, canaryWait: wait, domain }: RequeueFlags, ids: string[]) {
  if (canary === undefined && wait !== undefined) throw new Failure('usage', '--canary-wait needs --canary')
  if (canary === undefined) return undefined
  const count = /^\d+$/.test(canary) ? Number(canary) : 0
  if (count < 1 || count > mostCanaries) {
    throw new Failure('usage', `--canary: must be a whole number from 1 to ${mostCanaries}`)
  }
  if (ids.length > 0) throw new Failure('usage', '--canary and ids exclude each other')
  if (domain === undefined) {
    throw new Failure('usage', '--canary needs --domain', { hint: 'requeue the domains one by one' })
  }
  const others = { '--no-preview': !settings.preview, '--plan-out': settings.planOut, '--curl': settings.curl }
  const other = Object.entries(others).find(([, given]) => given)?.[0]
  if (other !== undefined) throw new Failure('usage', `--canary and ${other} exclude each other`)
  const watchSeconds = seconds(wait ?? '60s', '--canary-wait')
  const words = ['--canary', canary, ...(wait === undefined ? [] : ['--canary-wait', wait])]
  return { count, watchMs: 1000 * watchSeconds, words }
}

function scopeFor(flags: ScopeFlags, ids: string[]): Scope {
  if (ids.length === 0) return scopeOfChange(flags)
  if (flags.all || Object.keys(scopeOf(flags)).length > 0) {
    throw new Failure('usage', 'ids and a scope exclude each other')
  }
  const wrong = ids.find((id) => !/^[1-9]\d*$/.test(id) || !Number.isSafeInteger(Number(id)))
  if (wrong !== undefined)
    throw new Failure('usage', `${wrong} is not a job id`, { hint: 'ids are whole numbers, such as 8123' })
  return {}
}

async function requestsFor(context: Context, scope: Scope, ids: string[]): Promise<OneRequeue[]> {
  const { domain, ...rest } = scope
  const { requeueRequest } = await import('../changes/requeue.ts')
  if (domain !== undefined) return [requeueRequest(scope)]
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
  if (ids.length === 0) return domains.map((domain) => requeueRequest({ ...rest, domain }))
  return requestsForIds(context, domains, [...new Set(ids.map(Number))])
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

/** The requests for jobs by id. The API needs the domain of each job, so each domain is previewed until one has the job. */
async function requestsForIds(context: Context, domains: string[], ids: number[]): Promise<OneRequeue[]> {
  const { findJob, notRequeueable } = await import('../changes/requeue-ids.ts')
  const { requeueRequest } = await import('../changes/requeue.ts')
  const client = await context.client()
  const found: OneRequeue[] = []
  const missing: NotMatched[] = []
  const unknown: number[] = []
  for (const job_id of ids) {
    const { domain, notMatched } = await findJob(client, domains, job_id)
    if (domain !== undefined) found.push(requeueRequest({ domain, job_id }))
    else if (notMatched) missing.push(notMatched)
    else unknown.push(job_id)
  }
  if (found.length === ids.length) return found
  throw notRequeueable(missing, unknown)
}

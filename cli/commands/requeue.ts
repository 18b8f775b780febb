import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/jobs.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'
import { escaped } from '../escape.ts'
import { allFlag, described, type ScopeFlags, scopeFlags, scopeOf, scopeOfChange, scopeWords } from '../scope.ts'

/** One call: the API takes one domain, and one job or all of a scope. */
type Request = Scope & { domain: string; job_id?: number }

export const requeue: CommandSpec<ScopeFlags> = {
  name: 'requeue',
  group: 'CHANGE',
  summary: 'put quarantined jobs back in the queue',
  about: 'Puts quarantined jobs back in the queue, due at once, with all their retries before them.',
  examples: [
    'jobsctl requeue --domain chatbooks --dry-run',
    'jobsctl requeue --domain chatbooks --job-type export --max 100 --yes',
    'jobsctl requeue 8123 8124',
  ],
  operands: '[ids...]',
  flags: [...scopeFlags, allFlag],
  changes: true,
  async run(context, flags, ids) {
    const { requeue: op } = await import('../../shared/requeue.ts')
    const { guarded } = await import('../guard.ts')
    const scope = scopeFor(flags, ids)
    const where = ids.length > 0 ? '' : ` in ${described(scope)}`
    return guarded(context, {
      name: 'requeue',
      op,
      requests: await requestsFor(context, scope, ids),
      preview: (request) => ({ ...request, dry_run: true }),
      bounded: (request, max) => ({ ...request, dry_run: false, max }),
      count: ({ affected }) => affected,
      say: (jobs, done) => `${done ? 'requeued' : 'would requeue'} ${jobs}${where}`,
      facts: ids.length > 0 ? { ids: ids.map(Number) } : scope,
      words: ['requeue', ...ids, ...scopeWords(scope, flags.all)],
    })
  },
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

async function requestsFor(context: Context, scope: Scope, ids: string[]): Promise<Request[]> {
  const { domain, ...rest } = scope
  if (domain !== undefined) {
    const { RequeueRequest } = await import('../../shared/requeue.ts')
    const { parsed } = await import('../faults.ts')
    return [{ ...rest, domain: parsed(RequeueRequest, scope).domain }]
  }
  if (context.settings.curl) {
    throw new Failure('usage', '--curl needs --domain here, since the call does', {
      hint: 'without it, jobsctl asks the server for the domains first',
    })
  }
  const domains = await quarantinedDomains(context, rest)
  if (ids.length === 0) return domains.map((domain) => ({ ...rest, domain }))
  return whereIds(context, domains, [...new Set(ids.map(Number))])
}

async function quarantinedDomains(context: Context, scope: Scope): Promise<string[]> {
  const { stats } = await import('../../shared/stats.ts')
  const { ScopeName } = await import('../../shared/jobs.ts')
  const { body } = await (await context.client()).call(stats, scope)
  const domains = [...new Set(body.filter(({ quarantined }) => quarantined > 0).map(({ domain }) => domain))]
  const named = domains.filter((domain) => ScopeName.safeParse(domain).data === domain)
  const others = domains.filter((domain) => !named.includes(domain))
  if (others.length > 0) {
    // Programs that write rows by themselves may use names that the API refuses.
    const names = others.map((domain) => escaped(JSON.stringify(domain))).join(', ')
    context.print.aside(`note: left out, since no call can name them: the domains ${names}`)
  }
  return named
}

/** The API wants the domain of a job beside its id: the one in which a preview finds it. */
async function whereIds(context: Context, domains: string[], ids: number[]): Promise<Request[]> {
  const { requeue: op } = await import('../../shared/requeue.ts')
  const client = await context.client()
  const found: Request[] = []
  for (const job_id of ids) {
    for (const domain of domains) {
      const { body } = await client.call(op, { domain, job_id, dry_run: true })
      if (body.affected > 0) found.push({ domain, job_id })
    }
  }
  const missing = ids.filter((id) => !found.some(({ job_id }) => job_id === id))
  if (missing.length === 0) return found
  throw new Failure('not_found', `no quarantined job has the id ${missing.join(', ')}; nothing was changed`, {
    hint: 'it may be back in the queue already',
  })
}

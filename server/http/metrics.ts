import type { Context, Hono, MiddlewareHandler } from 'hono'
import { Failure } from '../../shared/errors.ts'
import { refuseAgent } from '../auth/agents/require-agent.ts'
import { bearerOf } from '../auth/authenticate.ts'
import { hashed, sameHash } from '../auth/secrets.ts'
import type { ServerContext } from '../call.ts'
import type { Scrape } from '../endpoints/metrics/job-metrics.ts'
import type { Meter } from '../meter.ts'
import { createFeed } from '../waiting/feed.ts'
import { allow } from './allow.ts'
import { limitSilence } from './connection/call-timeout.ts'
import type { RequestContext } from './request/request-context.ts'
import { respond } from './respond.ts'

const paths = { process: '/metrics', jobs: '/metrics/jobs' }

/** The text format of Prometheus. */
const type = 'text/plain; version=0.0.4; charset=utf-8'

/** The least time between two reads of the database, for all that scrape together. */
const readEveryMs = 1000

interface Metrics {
  serving: Pick<ServerContext, 'operatorSql' | 'pressureLimits' | 'callTimeoutMs' | 'replica' | 'standby'>
  meter: Meter
  /** `JOBS_METRICS_TOKEN`, as it is now. */
  token: () => string | undefined
  /** Finds out who is calling, by a key or a token. */
  authenticate: MiddlewareHandler<RequestContext>
}

/** Mounts `GET /metrics` of this process and `GET /metrics/jobs` of the database. */
export function mountMetrics(app: Hono<RequestContext>, { serving, meter, token, authenticate }: Metrics): void {
  const jobs = createFeed<Scrape>({ intervalMs: readEveryMs, read: jobReader(serving) })
  app.use(`${paths.process}/*`, limitSilence(serving.callTimeoutMs))
  app.use(paths.process, admit(allowWhole, { token, authenticate }))
  app.use(paths.jobs, admit(allowNarrowed, { token, authenticate }))
  app.get(paths.process, async (c) => respond(c, await meter.text(), { type }))
  app.get(paths.jobs, async (c) => {
    const scrape = await jobs.after(undefined)
    return respond(c, await scrape.text(c.get('seriesWithin')), { type, more: { ...scrape.headers } })
  })
}

/** A reader whose code is loaded at the first scrape, so that a server without metrics never loads it. */
function jobReader(serving: Metrics['serving']): () => Promise<Scrape> {
  const reader = import('../endpoints/metrics/job-metrics.ts').then(({ createJobMetrics }) => createJobMetrics(serving))
  reader.catch(() => {}) // a scrape gets the error
  return async () => (await reader).read()
}

/**
 * Lets the token for metrics through, and callers that may read. The token needs no database, so that the metrics of the process can be
 * read while the database is away.
 */
function admit(
  allowed: MiddlewareHandler<RequestContext>,
  { token, authenticate }: Pick<Metrics, 'token' | 'authenticate'>,
): MiddlewareHandler<RequestContext> {
  return async (c, next) => {
    const given = bearerOf((name) => c.req.header(name))
    const expected = token()
    if (expected !== undefined && given && sameHash(hashed(given), hashed(expected))) return next()
    const admitted = authenticate(c, async () => {
      refuseAgent(c.get('caller'), 'scrapes no metrics')
      c.set('seriesWithin', c.get('caller').within)
      await allowed(c, next)
    })
    return admitted.catch((error: unknown) => {
      if (!(error instanceof Failure && error.code === 'unauthenticated')) throw error
      throw new Failure('unauthenticated', error.message, { hint: hintOnToken })
    })
  }
}

const hintOnToken = 'send JOBS_METRICS_TOKEN, or a key or token that may read, as Authorization: Bearer'

const allowWhole = allow({ needs: 'read', scoped: { refused: 'the metrics of a process belong to no domain' } })

/** A caller with a scope gets the series of its groups and queues, and none of the whole database. */
const allowNarrowed = allow({ needs: 'read', scoped: 'narrowed' })

/** True when the request has a key or a token. */
export const hasCredentials = (c: Context): boolean =>
  Boolean(c.req.header('authorization') ?? c.req.header('x-api-key'))

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Failure } from '../../shared/errors.ts'
import { version } from '../../shared/version.ts'
import type { PoolUse } from '../database/connection/pool-meter.ts'
import type { Meter } from '../meter.ts'

/** Bounds in seconds. Calls of workers wait up to a minute for a job. */
const responseBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const waitBounds = [0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Collects the metrics of this process: `process_*`, `nodejs_*`, and those of the server. */
export function createMeter(): Meter {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'jobsctl_build_info',
    help: 'Is always 1; the label is the version of the server.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  const responses = new Histogram({
    name: 'jobsctl_http_request_duration_seconds',
    help: 'Time from a request to the begin of its response. Plain GET /healthz is not counted.',
    labelNames: ['route', 'status'],
    buckets: responseBounds,
    registers,
  })
  const streams = new Gauge({
    name: 'jobsctl_streams',
    help: 'Open streams of events, stats and progress.',
    registers,
  })
  return {
    pool: meterOfPools(registers),
    responded: ({ route, status, seconds }) => responses.observe({ route, status }, seconds),
    failed: countFailures(registers),
    openStream() {
      streams.inc()
      return () => streams.dec()
    },
    text: () => registry.metrics(),
  }
}

function meterOfPools(registers: Registry[]): Meter['pool'] {
  const pools: (() => PoolUse)[] = []
  new Gauge({
    name: 'jobsctl_db_pool',
    help: 'Connections to the database that are busy, idle or closed, and statements that are waiting for one.',
    labelNames: ['state'],
    registers,
    collect() {
      const uses = pools.map((read) => read())
      for (const state of ['busy', 'idle', 'closed', 'waiting'] as const)
        this.set(
          { state },
          uses.reduce((sum, use) => sum + use[state], 0),
        )
    },
  })
  const waits = new Histogram({
    name: 'jobsctl_db_wait_seconds',
    help: 'Time for which statements and transactions waited for a connection.',
    buckets: waitBounds,
    registers,
  })
  return { watch: (read) => void pools.push(read), waited: (ms) => waits.observe(ms / 1000) }
}

const reasons = ['missing', 'wrong', 'rate_limited', 'forbidden'] as const
type Reason = (typeof reasons)[number]

function countFailures(registers: Registry[]): Meter['failed'] {
  const refused = new Counter({
    name: 'jobsctl_auth_failures_total',
    help: 'Requests without credentials, with wrong ones, with wrong ones too often, and without the right that they need.',
    labelNames: ['reason'],
    registers,
  })
  const unknown = new Counter({
    name: 'jobsctl_outcome_unknown_total',
    help: 'Changes of which the server cannot tell whether PostgreSQL made them.',
    registers,
  })
  // A counter that begins at its first failure would hide that failure from rate().
  for (const reason of reasons) refused.inc({ reason }, 0)
  return (failure, hasCredentials) => {
    const reason = reasonOf(failure, hasCredentials)
    if (reason) refused.inc({ reason })
    if (failure.code === 'outcome_unknown') unknown.inc()
  }
}

function reasonOf({ code }: Failure, hasCredentials: boolean): Reason | undefined {
  if (code === 'unauthenticated') return hasCredentials ? 'wrong' : 'missing'
  return code === 'rate_limited' || code === 'forbidden' ? code : undefined
}

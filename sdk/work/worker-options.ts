import { type ClientOptions, clientOptions, defaultTimeoutMs, requireKnown, requireNumber } from '../call/settings.ts'
import type { LeasedJob } from '../wire/types.ts'
import type { Handler } from './handler.ts'
import { type Tell, tellOnStderr, tellSafely } from './worker-event.ts'

export interface WorkerOptions extends ClientOptions {
  domain: string
  /** `default` when absent. */
  queue?: string | undefined
  /** Several queues in place of one, which share `concurrency`. A queue with many jobs leaves each other one its turn. */
  queues?: readonly string[] | undefined
  /**
   * What is done with a job, by its type. The worker leases jobs of these types alone; `'*'` is for every other type, and the worker
   * then leases jobs of all types.
   */
  handlers: Readonly<Record<string, Handler>>
  /** How many jobs the worker runs at once, up to 1,000; 10 when absent. */
  concurrency?: number | undefined
  /** The length of a lease, which is renewed at every third of it; 60 when absent. */
  leaseSeconds?: number | undefined
  /** How long a handler may run; then its signal aborts and the attempt fails. No limit when absent. */
  timeoutSeconds?: number | undefined
  /**
   * Runs around each handler, such as for a trace, a log or a transaction: it calls `run` and returns what `run` resolves to. What it
   * throws fails the attempt.
   */
  around?: ((job: LeasedJob, run: () => Promise<unknown>) => unknown) | undefined
  /** How long a call waits for a job, up to 60; 30 when absent. */
  waitSeconds?: number | undefined
  /** How long running jobs may go on when the worker stops; 20 when absent. The others are given back. */
  graceSeconds?: number | undefined
  /** The name of the worker in jobs and events. Without it, the name of the host with the id of the process. */
  workerId?: string | undefined
  /** Only jobs of this owner. */
  ownerUserId?: string | undefined
  /** Stops the worker, as SIGTERM and SIGINT do. */
  signal?: AbortSignal | undefined
  /** False leaves SIGTERM and SIGINT to the program. */
  handleSignals?: boolean | undefined
  /** Told what the worker does, for a log. When absent, failures and trouble with calls are written to stderr. */
  onEvent?: Tell | undefined
}

/** The options as the parts of a worker need them. */
export interface WorkerSettings {
  domain: string
  queues: readonly string[]
  handlers: ReadonlyMap<string, Handler>
  concurrency: number
  leaseMs: number
  waitSeconds: number
  graceMs: number
  timeLimitMs: number | undefined
  around: (job: LeasedJob, run: () => Promise<unknown>) => unknown
  /** The deadline of a call. */
  timeoutMs: number
  workerId: string
  ownerUserId: string | undefined
  tell: Tell
}

/** The handler of the types that have none of their own. */
const otherTypes = '*'
const mostTypes = 100
const mostQueues = 100

const known: Record<keyof WorkerOptions, true> = {
  ...clientOptions,
  domain: true,
  queue: true,
  queues: true,
  handlers: true,
  concurrency: true,
  leaseSeconds: true,
  timeoutSeconds: true,
  around: true,
  waitSeconds: true,
  graceSeconds: true,
  workerId: true,
  ownerUserId: true,
  signal: true,
  handleSignals: true,
  onEvent: true,
}

/**
 * Checks the options of a worker.
 * @param defaultId the name of a worker that was given none
 * @throws TypeError that names the option
 */
export function workerSettings(options: WorkerOptions, defaultId: string): WorkerSettings {
  requireKnown(options, known)
  const { timeoutSeconds, around = (_job, run) => run() } = options
  const { concurrency = 10, leaseSeconds = 60, waitSeconds = 30, graceSeconds = 20 } = options
  requireNumber('concurrency', concurrency, 1, 1000)
  requireNumber('leaseSeconds', leaseSeconds, 1, 86_400)
  requireNumber('waitSeconds', waitSeconds, 0, 60)
  requireNumber('graceSeconds', graceSeconds, 0, 86_400)
  if (timeoutSeconds !== undefined) requireNumber('timeoutSeconds', timeoutSeconds, 0.001, 86_400)
  if (typeof around !== 'function') throw new TypeError('around must be a function')
  const whole = { concurrency, leaseSeconds, waitSeconds }
  for (const [name, value] of Object.entries(whole))
    if (!Number.isInteger(value)) throw new TypeError(`${name} must be a whole number`)
  const handlers = new Map(Object.entries(options.handlers))
  if (handlers.size === 0) throw new TypeError('handlers must have at least one job type')
  if (handlers.size > mostTypes && !handlers.has(otherTypes))
    throw new TypeError(`handlers must have at most ${mostTypes} job types, or '*'`)
  for (const [type, handler] of handlers) {
    if (typeof handler !== 'function') throw new TypeError(`the handler of ${type} must be a function`)
    if (Object.prototype.toString.call(handler).endsWith('GeneratorFunction]'))
      throw new TypeError(`the handler of ${type} is a generator, which ends without running: leave out the *`)
  }
  return {
    domain: options.domain,
    queues: queuesOf(options),
    handlers,
    concurrency,
    leaseMs: leaseSeconds * 1000,
    waitSeconds,
    graceMs: graceSeconds * 1000,
    timeLimitMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    around,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    workerId: options.workerId ?? defaultId,
    ownerUserId: options.ownerUserId,
    tell: tellSafely(options.onEvent ?? tellOnStderr),
  }
}

/** @throws TypeError for a list that is empty, too long or names a queue twice */
function queuesOf({ queue, queues }: WorkerOptions): readonly string[] {
  if (queues === undefined) return [queue ?? 'default']
  if (queue !== undefined) throw new TypeError('give queue or queues, and not both')
  if (!Array.isArray(queues) || queues.length === 0 || queues.length > mostQueues)
    throw new TypeError(`queues must be a list of 1 to ${mostQueues} queues`)
  if (new Set(queues).size < queues.length) throw new TypeError('queues must name each queue once')
  return queues
}

/** The handler of a job type. */
export const handlerOf = ({ handlers }: WorkerSettings, type: string): Handler | undefined =>
  handlers.get(type) ?? handlers.get(otherTypes)

/** The types that a worker asks for; undefined for all. */
export const typesOf = ({ handlers }: WorkerSettings): string[] | undefined =>
  handlers.has(otherTypes) ? undefined : [...handlers.keys()]

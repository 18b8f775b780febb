import { type ClientOptions, defaultTimeoutMs, requireNumber } from '../call/settings.ts'
import type { Handler } from './handler.ts'
import { type Tell, tellSafely } from './worker-event.ts'

export interface WorkerOptions extends ClientOptions {
  domain: string
  /** `default` when absent. */
  queue?: string | undefined
  /**
   * What is done with a job, by its type. The worker leases jobs of these types alone; `'*'` is for every other type, and the worker
   * then leases jobs of all types.
   */
  handlers: Readonly<Record<string, Handler>>
  /** How many jobs the worker runs at once, up to 1,000; 10 when absent. */
  concurrency?: number | undefined
  /** The length of a lease, which is renewed at every third of it; 60 when absent. */
  leaseSeconds?: number | undefined
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
  /** Told what the worker does, for a log. */
  onEvent?: Tell | undefined
}

/** The options as the parts of a worker need them. */
export interface WorkerSettings {
  domain: string
  queue: string
  handlers: ReadonlyMap<string, Handler>
  concurrency: number
  leaseMs: number
  waitSeconds: number
  graceMs: number
  /** The deadline of a call. */
  timeoutMs: number
  workerId: string
  ownerUserId: string | undefined
  tell: Tell
}

/** The handler of the types that have none of their own. */
const otherTypes = '*'
const mostTypes = 100

/**
 * Checks the options of a worker.
 * @param defaultId the name of a worker that was given none
 * @throws TypeError that names the option
 */
export function workerSettings(options: WorkerOptions, defaultId: string): WorkerSettings {
  const { concurrency = 10, leaseSeconds = 60, waitSeconds = 30, graceSeconds = 20 } = options
  requireNumber('concurrency', concurrency, 1, 1000)
  requireNumber('leaseSeconds', leaseSeconds, 1, 86_400)
  requireNumber('waitSeconds', waitSeconds, 0, 60)
  requireNumber('graceSeconds', graceSeconds, 0, 86_400)
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
    queue: options.queue ?? 'default',
    handlers,
    concurrency,
    leaseMs: leaseSeconds * 1000,
    waitSeconds,
    graceMs: graceSeconds * 1000,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    workerId: options.workerId ?? defaultId,
    ownerUserId: options.ownerUserId,
    tell: tellSafely(options.onEvent),
  }
}

/** The handler of a job type. */
export const handlerOf = ({ handlers }: WorkerSettings, type: string): Handler | undefined =>
  handlers.get(type) ?? handlers.get(otherTypes)

/** The types that a worker asks for; undefined for all. */
export const typesOf = ({ handlers }: WorkerSettings): string[] | undefined =>
  handlers.has(otherTypes) ? undefined : [...handlers.keys()]

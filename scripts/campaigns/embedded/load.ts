import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { cancelBatch, enqueueBatch, stats } from '../../../shared/endpoints.ts'
import { apiKey } from '../../launch/server.ts'
import type { Random } from '../stress/random.ts'
import { post } from '../trouble/http.ts'
import { lieOf, type Outcome } from '../trouble/outcome.ts'

const domain = 'embedded'
const callers = 2
const pauseMs = 200

/** A batch of jobs that have a job type of their own, and what its callers were told. */
interface Batch {
  type: string
  jobs: number
  enqueued: Outcome
  cancelled?: Outcome
}

interface LoadOptions {
  random: Random
  /** The longest time in milliseconds in which a call must be answered. */
  answerMs: number
  /** The number of jobs in the largest batch, and the size of their payloads in bytes. */
  jobs?: number
  bytes?: number
}

/** Callers that enqueue batches of jobs and cancel some of them, and keep what they were told. */
export class Load {
  readonly #options: Required<LoadOptions>
  readonly #batches: Batch[] = []
  readonly #late: string[] = []
  #count = 0
  #running: Promise<void>[] = []
  #stopped = false

  constructor(options: LoadOptions) {
    this.#options = { jobs: 40, bytes: 200, ...options }
  }

  /** Calls a server until `stop` is called. */
  run(url: string): void {
    this.#stopped = false
    this.#running = Array.from({ length: callers }, () => this.#call(url))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running.splice(0))
  }

  /** The number of calls that were confirmed. */
  get confirmed(): number {
    return this.#outcomes().filter(({ code }) => code === 'ok').length
  }

  /** Sentences of the answers that were no success. */
  get refusals(): string[] {
    return this.#outcomes().flatMap(({ code, sentence }) => (code === 'ok' ? [] : [sentence]))
  }

  /** Compares what the callers were told with the jobs of a server. Returns the lies. */
  async compare(url: string): Promise<string[]> {
    const response = await request(`${url}${stats.path}`, { headers: { 'x-api-key': apiKey } })
    const groups = stats.output.parse(await response.body.json())
    const queued = new Map(groups.map((group) => [group.job_type, group.queued]))
    const lies = this.#batches.flatMap(({ type, jobs, enqueued, cancelled }) => {
      const left = queued.get(type) ?? 0
      if (!cancelled) return lieOf(enqueued, { jobs, changed: left }) ?? []
      return lieOf(cancelled, { jobs, changed: jobs - left }) ?? []
    })
    return [...lies, ...this.#late]
  }

  #outcomes(): Outcome[] {
    return this.#batches.flatMap(({ enqueued, cancelled }) => [enqueued, ...(cancelled ? [cancelled] : [])])
  }

  async #call(url: string): Promise<void> {
    const { random, jobs: most, bytes } = this.#options
    while (!this.#stopped) {
      const type = `batch-${++this.#count}`
      const jobs = random.whole(1, most)
      const job = { domain, job_type: type, payload: { text: random.word().padEnd(bytes, 'x') } }
      const enqueued = await this.#post(url, enqueueBatch.path, { jobs: Array.from({ length: jobs }, () => job) })
      const batch: Batch = { type, jobs, enqueued: enqueued.code === 'ok' ? { ...enqueued, affected: jobs } : enqueued }
      this.#batches.push(batch)
      if (enqueued.code === 'ok' && random.chance(0.2)) {
        batch.cancelled = await this.#post(url, cancelBatch.path, { domain, job_type: type })
      }
      if (enqueued.code !== 'ok') await wait(pauseMs)
    }
  }

  async #post(url: string, path: string, body: object): Promise<Outcome> {
    const began = performance.now()
    const outcome = await post(url, { path, body })
    const ms = Math.round(performance.now() - began)
    if (ms > this.#options.answerMs) this.#late.push(`${path} was answered after ${ms} ms`)
    return outcome
  }
}

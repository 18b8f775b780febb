import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure, refusesField } from '../../shared/errors.ts'
import { escaped } from '../../shared/text/escape.ts'
import { units } from '../../shared/times/duration.ts'
import type { CommandSpec, Context } from '../context.ts'
import { changeImmediately } from '../guard/immediate-change.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { describeScope, scopeWords } from '../settings/flags/scope-flags.ts'
import { queueNamed } from '../settings/queue-name.ts'
import { seconds } from '../text/duration.ts'

interface EnqueueFlags {
  jobType?: string
  payload?: string
  priority?: string
  maxRetries?: string
  quarantineThreshold?: string
  delay?: string
  idempotencyKey?: string
  unique?: string
  from?: string
}

const example = 'jobsctl enqueue chatbooks/default --job-type export'

export const enqueue: CommandSpec<EnqueueFlags> = {
  name: 'enqueue',
  group: 'QUEUE',
  summary: 'put one job in a queue, or the jobs of a file',
  about:
    'Puts one job in a queue at once, without a preview, or the jobs of a file of NDJSON: a line each, with the fields of the API. Up to 1,000 lines are sent at a time, all or none of them.',
  examples: [
    `${example} --payload '{"book":7}'`,
    `${example} --payload @job.json --delay 15m`,
    `${example} --idempotency-key book-7`,
    'jobsctl enqueue --from jobs.ndjson',
  ],
  operands: '[domain/queue]',
  flags: [
    ...flagsIn('HOW', {
      '--job-type <name>': 'the type of the job (required)',
      '--from <file>': 'the jobs of a file of NDJSON, or - for stdin; no other flag with it',
      '--payload <json>': 'a JSON object, @file, or - for stdin (default: {})',
      '--priority <n>': '1 to 10; 1 runs first (default: 5)',
      '--max-retries <n>': 'attempts after the first (default: 3)',
      '--quarantine-threshold <n>': 'equal failures in a row that quarantine it (default: its queue says)',
      '--delay <duration>': 'run the job no earlier than this long from now',
      '--idempotency-key <key>': 'enqueue nothing if the queue has a job of this type and key',
      '--unique <until>': 'while_queued: only a job that is queued or processing has the key',
    }),
  ],
  async run(context, flags, [word]) {
    if (flags.from !== undefined) return fromFile(context, flags, word)
    if (word === undefined) throw new Failure('usage', 'enqueue needs <domain>/<queue>, or --from', { hint: example })
    const request = await requestOf(context, flags, word)
    const { domain, queue, job_type } = request
    const look = context.another(['events', ...scopeWords({ domain, queue, job_type })])
    const endpoint = await endpointOfOneJob()
    const job = await changeImmediately(context, { endpoint, request, look }).catch((error: unknown) => {
      const { delay_seconds, ...others } = request
      if (delay_seconds === undefined || !refusesField(error, 'delay_seconds')) throw error
      // Servers up to 0.2.0 know a time alone.
      const timed = { ...others, available_at: timeAfter(delay_seconds) }
      return changeImmediately(context, { endpoint, request: timed, look })
    })
    if (!job) return 'ok'
    const { id, uuid, status, created } = job
    const place = { domain: job.domain, queue: job.queue, job_type: job.job_type }
    const text = created
      ? `Enqueued job ${id} in ${describeScope({ domain: job.domain, queue: job.queue })} (${escaped(job.job_type)}).`
      : `Job ${id} already has this key and is ${escaped(status)}; nothing was enqueued.`
    const json = { operation: 'enqueue', created, id, uuid, ...place, status }
    context.print.sentence(json, text, created ? 'done' : 'plain')
    return 'ok'
  },
}

async function fromFile(context: Context, { from = '-', ...others }: EnqueueFlags, word: string | undefined) {
  const { enqueueFrom } = await import('./enqueue/from-file.ts')
  if (word !== undefined || Object.keys(others).length > 0) {
    throw new Failure(
      'usage',
      '--from: each line says all of its job, so neither a queue nor a flag of a job goes with it',
    )
  }
  return enqueueFrom(context, from)
}

/** The endpoint with the fields that this command prints: another server may leave out the others. */
async function endpointOfOneJob() {
  const { EnqueuedJob, enqueue } = await import('../../shared/work/enqueue.ts')
  const output = EnqueuedJob.pick({
    id: true,
    uuid: true,
    domain: true,
    queue: true,
    job_type: true,
    status: true,
    created: true,
  })
  const call: Endpoint<typeof enqueue.input, typeof output, typeof enqueue.scoped> = {
    ...enqueue,
    output,
    created: ({ created }) => created,
  }
  return call
}

async function requestOf(context: Context, flags: EnqueueFlags, word: string) {
  const { mostDelaySeconds, NewJob } = await import('../../shared/work/enqueue.ts')
  const { parseInput } = await import('../settings/flags/flag-errors.ts')
  const { readPayload } = await import('./enqueue/payload.ts')
  if (flags.jobType === undefined) throw new Failure('usage', '--job-type: is required', { hint: example })
  const place = await queueNamed(context, word, example)
  const job = parseInput(NewJob, {
    ...place,
    job_type: flags.jobType,
    payload: await readPayload(flags.payload ?? '{}', context),
    priority: numberOf(flags.priority),
    max_retries: numberOf(flags.maxRetries),
    quarantine_threshold: numberOf(flags.quarantineThreshold),
    ...(flags.delay !== undefined && delayOf(flags.delay, mostDelaySeconds)),
    idempotency_key: flags.idempotencyKey,
    unique: flags.unique,
  })
  return {
    ...place,
    job_type: job.job_type,
    payload: job.payload,
    // The server has defaults for the fields that no flag gives.
    ...(flags.priority !== undefined && { priority: job.priority }),
    ...(flags.maxRetries !== undefined && { max_retries: job.max_retries }),
    ...(flags.quarantineThreshold !== undefined && { quarantine_threshold: job.quarantine_threshold }),
    ...(job.available_at !== undefined && { available_at: job.available_at }),
    ...(job.delay_seconds !== undefined && { delay_seconds: job.delay_seconds }),
    ...(flags.idempotencyKey !== undefined && { idempotency_key: job.idempotency_key }),
    ...(flags.unique !== undefined && { unique: job.unique }),
  }
}

/** Text that is no number stays text, so that the contract rejects it with its own message. */
const numberOf = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : text)

/** The longest delay of the flag, in seconds. */
const longest = 3650 * units.d

/** A delay longer than `mostCounted` seconds is sent as a time by the clock of this machine. */
function delayOf(delay: string, mostCounted: number): { delay_seconds: number } | { available_at: string } {
  const wait = seconds(delay, '--delay')
  if (wait > longest) throw new Failure('usage', '--delay: must be at most 3650d')
  return wait > mostCounted ? { available_at: timeAfter(wait) } : { delay_seconds: wait }
}

const timeAfter = (wait: number): string => new Date(Date.now() + 1000 * wait).toISOString()

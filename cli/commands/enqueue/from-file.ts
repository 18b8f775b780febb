import { createReadStream } from 'node:fs'
import { Failure, failures } from '../../../shared/errors.ts'
import { enqueueBatch } from '../../../shared/work/enqueue.ts'
import type { Context } from '../../context.ts'
import { checkImmediate } from '../../guard/immediate-change.ts'
import { interrupted } from '../../io.ts'
import type { Ending } from '../../output/print.ts'
import { fileErrorText } from '../../system.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { inputLines } from './input-lines.ts'
import { type JobLine, jobOfLine } from './job-line.ts'

const mostJobs = 1000
/** A batch ends after this number of bytes of lines: the body of a call has a limit. */
const mostBytes = 8 * 2 ** 20

interface Tally {
  created: number
  existing: number
  /** The number of the last line whose job was sent. */
  lastLine: number
  passedOver: Set<string>
}

/**
 * Puts the jobs of a file or of stdin (`-`) in their queues, in batches of up to 1,000 jobs, each whole or not at all.
 * @throws Failure that says which lines were sent, at the first batch that has a bad line or that the server refuses
 */
export async function enqueueFrom(context: Context, path: string): Promise<Ending> {
  await checkImmediate(context)
  if (context.settings.curl) throw new Failure('usage', '--curl: enqueue --from sends several calls and prints none')
  const tally: Tally = { created: 0, existing: 0, lastLine: 0, passedOver: new Set() }
  try {
    for await (const batch of batchesOf(inputLines(partsOf(context, path)))) await send(context, batch, tally)
    if (context.io.signal.aborted) throw interrupted(context.io.signal)
  } catch (error) {
    throw failureAfter(asFailure(error, path, context), tally)
  }
  report(context, tally)
  return 'ok'
}

async function* batchesOf(lines: ReturnType<typeof inputLines>): AsyncGenerator<JobLine[]> {
  let batch: JobLine[] = []
  let bytes = 0
  for await (const line of lines) {
    if (batch.length === mostJobs || (batch.length > 0 && bytes + line.text.length > mostBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push({ ...jobOfLine(line), text: '' })
    bytes += line.text.length
  }
  if (batch.length > 0) yield batch
}

async function send(context: Context, batch: JobLine[], tally: Tally): Promise<void> {
  if (context.io.signal.aborted) throw interrupted(context.io.signal)
  const lineAt = (index: string) => batch[Number(index)]?.number ?? 0
  const [first, last] = [lineAt('0'), batch.at(-1)?.number ?? 0]
  const client = context.settings.timeoutGiven ? await context.client() : await context.newClient()
  const request = { jobs: batch.map(({ job }) => job) }
  const { body } = await client.call(enqueueBatch, enqueueBatch.input.parse(request)).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error
    const message = error.message.replaceAll(/\bjobs\.(\d+)(?:\.|: )/g, (_, index) => `line ${lineAt(index)}: `)
    const fate = isRefused(error) ? 'were not enqueued' : 'may have been enqueued, all or none'
    throw restated(error, `${message}; the jobs of lines ${first} to ${last} ${fate}`)
  })
  const created = body.jobs.filter((job) => job.created).length
  tally.created += created
  tally.existing += body.jobs.length - created
  tally.lastLine = last
  for (const { passedOver } of batch) for (const name of passedOver) tally.passedOver.add(name)
}

/** Whether the server said that nothing was changed. */
const isRefused = ({ code }: Failure): boolean =>
  failures[code].status < 500 || ['database_unavailable', 'database_busy', 'shutting_down'].includes(code)

function asFailure(error: unknown, path: string, { io }: Context): Failure {
  if (error instanceof Failure) return error
  if (io.signal.aborted) return interrupted(io.signal)
  if (!(error instanceof Error && 'code' in error)) throw error
  return new Failure('usage', `--from: cannot read ${path}: ${fileErrorText(error)}`, { cause: error })
}

const failureAfter = (failure: Failure, tally: Tally): Failure =>
  restated(
    failure,
    tally.lastLine === 0
      ? `${failure.message}; nothing before it was enqueued`
      : `${failure.message}; before it, ${counts(tally)}, up to line ${tally.lastLine}`,
  )

function restated({ code, hint, requestId, server, cause }: Failure, message: string): Failure {
  return new Failure(code, message, { hint, requestId, server, cause })
}

const jobs = (n: number): string => `${groupedDigits(n)} job${n === 1 ? '' : 's'}`
const counts = ({ created, existing }: Tally): string =>
  `${jobs(created)} ${created === 1 ? 'was' : 'were'} enqueued${existing > 0 ? ` and ${groupedDigits(existing)} existed already` : ''}`

function report({ print }: Context, tally: Tally): void {
  const { created, existing } = tally
  const names = [...tally.passedOver]
  if (names.length > 0) print.aside(`passed over, since they belong to a job that exists: ${names.join(', ')}`)
  const text = `Enqueued ${jobs(created)}${existing > 0 ? `; ${groupedDigits(existing)} existed already` : ''}.`
  print.sentence({ operation: 'enqueue', created, existing, lines: tally.lastLine, passed_over: names }, text, 'done')
}

async function* partsOf({ io, flags }: Context, path: string): AsyncGenerator<Uint8Array> {
  if (path === '-' && (flags.apiKeyFile === '-' || flags.tokenFile === '-')) {
    throw new Failure('usage', '--from and the key cannot both be read from stdin')
  }
  yield* path === '-' ? io.stdinParts() : createReadStream(path, { signal: io.signal })
}

import type { z } from 'zod'
import { type Finding, notReported } from '../../../shared/doctor/findings/finding.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { Failure, failures } from '../../../shared/errors.ts'
import type { Exit } from '../../../shared/exits.ts'
import type { Context } from '../../context.ts'
import { lacksRight } from '../../http/response-errors.ts'

/** The result of one check; `hint` is blank where nothing is to be done, `exit` is the exit code of doctor. */
export interface Outcome {
  result: 'ok' | 'skipped' | 'warning' | 'failed'
  detail: string
  /** The parts of `detail` that people read line by line. */
  lines?: readonly string[] | undefined
  hint: string
  exit: Exit
  /** The error of a failed check. */
  failure?: Failure
  /** Nothing is left to check: a server that only looks has no tables of its own. */
  isLast?: boolean | undefined
}

/** One check of doctor; a check that throws a Failure has failed. */
export interface Check {
  name: string
  look: (context: Context) => Promise<Outcome>
}

export const ok = (detail: string): Outcome => ({ result: 'ok', detail, hint: '', exit: 'ok' })
/** A check that is not made, since the engine of the jobs does not have what it is about. */
export const skipped = ({ message, hint = '' }: Failure): Outcome => {
  const detail = `not checked: ${message.replace(/; nothing was changed$/, '')}`
  return { result: 'skipped', detail, hint, exit: 'ok' }
}
export const warning = (detail: string, hint: string): Outcome => ({ result: 'warning', detail, hint, exit: 'ok' })

/** A failed check. Errors that are no Failure are thrown again. */
export function failed(error: unknown): Outcome {
  if (!(error instanceof Failure)) throw error
  // The reader runs doctor already.
  const hint = /^(run )?jobsctl doctor/.test(error.hint ?? '') ? '' : (error.hint ?? '')
  return { result: 'failed', detail: error.message, hint, exit: failures[error.code].exit, failure: error }
}

/**
 * The check that judges the answer of an endpoint that only a jobs-server has.
 * @param absent the outcome for a server without the endpoint, in place of a warning
 */
export const judgedAnswer =
  <Out extends z.ZodType>(
    endpoint: Endpoint<z.ZodObject, Out>,
    judge: (body: z.output<Out>) => Finding,
    absent?: Outcome,
  ): Check['look'] =>
  (context) =>
    whereAllowed(judged(context, { endpoint, judge, absent }))

interface Judging<Out extends z.ZodType> {
  endpoint: Endpoint<z.ZodObject, Out>
  judge: (body: z.output<Out>) => Finding
  absent: Outcome | undefined
}

async function judged<Out extends z.ZodType>(
  context: Context,
  { endpoint, judge, absent }: Judging<Out>,
): Promise<Outcome> {
  try {
    const { body } = await (await context.client()).call(endpoint, {}, { isFinal: isRefusedByDatabase })
    const { detail, lines, hint, isLast } = judge(body)
    return { ...(hint === undefined ? ok(detail) : warning(detail, hint)), lines, isLast }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.code === 'not_supported') return skipped(error)
    if (error.code !== 'not_found') throw error
    if (absent) return absent
    return warning(notReported.detail, notReported.hint)
  }
}

/** The outcome of a check; a warning where the caller lacks the right that the check needs. */
export const whereAllowed = (outcome: Promise<Outcome>): Promise<Outcome> =>
  outcome.catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'forbidden' || !lacksRight(error.message)) throw error
    return warning(`not checked: ${error.message}`, error.hint ?? '')
  })

/** True where the database can be reached and refuses the call, mostly since the role of the server may not read a table. */
export const isRefusedByDatabase = ({ fields }: Failure): boolean => fields.refused_by_database === true

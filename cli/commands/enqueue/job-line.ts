import { readExactly, restoreDigits } from '../../../sdk/call/exact-json.ts'
import { Failure } from '../../../shared/errors.ts'
import { faultsOf } from '../../../shared/faults.ts'
import { listedColumns } from '../../../shared/jobs/list.ts'
import { showJob } from '../../../shared/jobs/show.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { inexactNumber } from '../../../shared/text/exact-numbers.ts'
import { repeatedKey } from '../../../shared/text/repeated-key.ts'
import { NewJob } from '../../../shared/work/enqueue.ts'
import { Job } from '../../../shared/work/job.ts'
import type { InputLine } from './input-lines.ts'

/** A job of a line, and the fields of the line that belong to a job that exists. */
export interface JobLine extends InputLine {
  job: Record<string, unknown>
  passedOver: string[]
}

const taken = new Set(Object.keys(NewJob.shape))
const columns = new Set([
  ...listedColumns,
  ...Object.keys(Job.shape),
  ...Object.keys(showJob.output.shape),
  'completion_token',
  'traceparent',
])

/**
 * The job of a line. A field of a job that exists, such as its id, is passed over; null counts as absent.
 * @throws Failure `usage` with the number of the line, for a line that is no job or has any other field
 */
export function jobOfLine(line: InputLine): JobLine {
  const fields = Object.entries(objectOf(line))
  const unknown = fields.filter(([name]) => !taken.has(name) && !columns.has(name)).map(([name]) => name)
  const given = fields.filter(([name, value]) => taken.has(name) && value !== null)
  const job = Object.fromEntries(given)
  const inexact = inexactNumber(restoreDigits(JSON.stringify(job)))
  const twice = repeatedKey(line.text)
  const read = NewJob.safeParse(job, { reportInput: true })
  const faults = [
    ...unknown.map((name) => `${name}: is no field of a job`),
    ...(twice === undefined ? [] : [`${twice}: stands twice in one object`]),
    ...(inexact === undefined
      ? []
      : [`the number ${inexact.slice(0, 40)} cannot be kept exactly; write it as a string`]),
    ...(read.success ? [] : faultsOf(read.error).map(({ path, message }) => `${path}: ${message}`)),
  ]
  if (faults.length > 0) throw badLine(line, faults.slice(0, 5).map(escaped).join('; '))
  return { ...line, job, passedOver: fields.flatMap(([name]) => (taken.has(name) ? [] : [name])) }
}

function objectOf(line: InputLine): object {
  let value: unknown
  try {
    value = readExactly(line.text)
  } catch (cause) {
    throw badLine(line, 'is not JSON', cause)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw badLine(line, 'must be a JSON object')
}

const badLine = ({ number }: InputLine, what: string, cause?: unknown): Failure =>
  new Failure('usage', `line ${number}: ${what}`, { cause })

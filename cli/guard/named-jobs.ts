import type { z } from 'zod'
import { type BulkKind, kindOf } from '../../shared/changes/kinds.ts'
import { NamedAnswer, type NotMatched } from '../../shared/changes/named-ids.ts'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import { outcomes } from '../../shared/outcomes.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import { groupedDigits, jobsText, sumOf } from '../text/numbers.ts'

/** How a command names jobs by their ids. */
export interface Naming {
  /** Ids of a file are often older than the jobs: those that are gone are noted, and fail the command with `mustExist` alone. */
  fromFile: boolean
  mustExist: boolean
  /** Jobs that were found not to match before the change was asked for. */
  before?: readonly NotMatched[]
  /** Ids of which the server does not say more than that they do not match. */
  unknown?: readonly JobId[]
  /** Where each of several calls, one a domain, names all these jobs: their number. A job that one of them takes is in another state to the others. */
  inEach?: number
}

/** What the functions below need of a change. */
interface NamingChange {
  name: BulkKind
  naming?: Naming
}

/** Jobs that the command names and the change leaves. */
interface Left {
  listed: readonly NotMatched[]
  unknown: readonly JobId[]
  missing: number
  notTaken: number
}

function leftBy<In extends z.ZodType>({ naming }: NamingChange, answers: readonly z.output<In>[]): Left {
  const { before = [], unknown = [], inEach } = naming ?? {}
  const parts = answers.map((answer) => NamedAnswer.parse(answer))
  if (inEach !== undefined && parts.length > 1) return leftByAll(parts, inEach)
  const missing = before.filter(({ status }) => status === null).length
  return {
    listed: [...before, ...parts.flatMap(({ not_matched = [] }) => not_matched)],
    unknown,
    missing: missing + unknown.length + sumOf(parts.map(({ missing_count = 0 }) => missing_count)),
    notTaken: before.length - missing + sumOf(parts.map(({ not_taken_count = 0 }) => not_taken_count)),
  }
}

/** The same of calls that name the same jobs, of which each takes those of its domain. */
function leftByAll(parts: readonly NamedAnswer[], named: number): Left {
  const [{ missing_count: missing = 0, not_matched = [] } = {}, ...others] = parts
  const taken = sumOf(parts.map(({ not_taken_count = 0 }) => named - missing - not_taken_count))
  const isLeft = ({ id }: NotMatched) => others.every((part) => part.not_matched?.some((one) => one.id === id))
  // Servers up to 0.2.0 count none of them.
  const isCounted = parts.every(({ not_taken_count }) => not_taken_count !== undefined)
  return { listed: not_matched.filter(isLeft), unknown: [], missing, notTaken: isCounted ? named - missing - taken : 0 }
}

/** The jobs that the command names and the change leaves: fields for `--json`, and a note for each state. */
export function namedNotes(
  context: Pick<Context, 'another'>,
  change: NamingChange,
  answers: readonly unknown[],
): { facts: object; notes: string[] } {
  if (change.naming === undefined) return { facts: {}, notes: [] }
  const left = leftBy(change, answers)
  if (left.missing + left.notTaken === 0) return { facts: {}, notes: [] }
  const facts = {
    missing_count: left.missing,
    not_taken_count: left.notTaken,
    ...(left.listed.length > 0 && { not_matched: left.listed }),
  }
  return { facts, notes: textsOf(context, change, left).map((text) => `note: ${text}`) }
}

/** How a command ends whose ids are not all there; undefined where that does not matter. */
export const namedEnding = (change: NamingChange, answers: readonly unknown[]): Ending | undefined =>
  isStrict(change) && leftBy(change, answers).missing > 0 ? outcomes.idsMissing.exit : undefined

const isStrict = ({ naming }: NamingChange): boolean => naming !== undefined && (!naming.fromFile || naming.mustExist)

/** The failure of a change that takes none of the jobs that are named; undefined where they are as wanted, or come from a file. */
export function noneOfNamed(
  context: Pick<Context, 'another'>,
  change: NamingChange,
  answers: readonly unknown[],
): Failure | undefined {
  const left = leftBy(change, answers)
  if (!isStrict(change) || left.missing + left.notTaken === 0) return undefined
  const text = `${textsOf(context, change, left).join('; ')}; nothing was changed`
  if (left.missing > 0) return new Failure('not_found', text)
  const isDone = left.listed.every(({ status }) => isAlready(change, status))
  return isDone || change.naming?.fromFile ? undefined : new Failure('conflict', text)
}

const mostNamed = 10

/** `there is no job 5`, `job 97 is quarantined: jobsctl requeue 97`, one text for each state. */
function textsOf({ another }: Pick<Context, 'another'>, { name }: NamingChange, left: Left): string[] {
  const { listed, unknown, missing, notTaken } = left
  const absent = listed.filter(({ status }) => status === null).map(({ id }) => id)
  const others = listed.filter(({ status }) => status !== null)
  const unlisted = notTaken - others.length
  return [
    ...statesOf(others).map(([status, ids]) => stateText({ name, status, ids, another })),
    ...(unlisted > 0 ? [`${jobsText(unlisted)}${others.length > 0 ? ' more' : ''} not taken, by state or filter`] : []),
    ...(missing > unknown.length ? [absentText(absent, missing - unknown.length)] : []),
    ...(unknown.length > 0 ? [`no quarantined job has the id ${unknown.join(', ')}`] : []),
  ]
}

/** The ids by state, in the order of the first of each. */
function statesOf(jobs: readonly NotMatched[]): [string, JobId[]][] {
  const states = new Map<string, JobId[]>()
  for (const { id, status } of jobs) states.set(status ?? '', [...(states.get(status ?? '') ?? []), id])
  return [...states]
}

const idsText = (ids: readonly JobId[], count = ids.length): string =>
  `${ids.slice(0, mostNamed).join(', ')}${count > mostNamed ? ` and ${groupedDigits(count - mostNamed)} more` : ''}`

const absentText = (ids: readonly JobId[], count: number): string =>
  count === 1 ? `there is no job ${ids.join('')}` : `there are no jobs ${idsText(ids, count)}`

interface InState {
  name: BulkKind
  status: string
  ids: readonly JobId[]
  another: Context['another']
}

function stateText({ name, status, ids, another }: InState): string {
  const which = ids.length === 1 ? `job ${ids[0]} is` : `jobs ${idsText(ids)} are`
  if (isAlready({ name }, status))
    return name === 'cancel' && status === 'processing'
      ? `${which} running, and asked to end already`
      : `${which} ${escaped(status)} already`
  if (name === 'edit' && status === 'queued')
    return `${which} queued, and ${ids.length === 1 ? 'has' : 'have'} other values than --if, or those of the edit already, or cannot be edited so`
  const way = ways[name]?.[status]
  if (way === undefined) return `${which} ${escaped(status)}, ${notTakenText(name)}`
  return `${which} ${escaped(status)}: ${another([way, ...ids.slice(0, mostNamed).map(String)])}`
}

/** The command that takes jobs of another state. */
const ways: Partial<Record<BulkKind, Record<string, string>>> = {
  retry: { quarantined: 'requeue' },
  requeue: { failed: 'retry' },
  redrive: { failed: 'retry' },
}

/** What jobs are that the change does not take: `not failed`, `neither queued nor running`. */
function notTakenText(kind: BulkKind): string {
  const [first, ...more] = kindOf(kind).takes.map((state) => (state === 'processing' ? 'running' : state))
  if (first === undefined) return `which ${kind} does not take`
  return more.length === 0 ? `not ${first}` : `neither ${[first, ...more].join(' nor ')}`
}

/** The states of jobs that the change does not take since they are as it would make them. */
const already: Partial<Record<BulkKind, readonly string[]>> = {
  cancel: ['cancelled', 'processing'],
  priority: ['queued'],
  reschedule: ['queued'],
}

const isAlready = ({ name }: Pick<NamingChange, 'name'>, status: string | null): boolean =>
  status !== null && (already[name]?.includes(status) ?? false)

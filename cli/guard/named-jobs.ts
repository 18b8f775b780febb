import * as z from 'zod'
import { LeftOut } from '../../shared/changes/edit.ts'
import { type BulkKind, kindOf } from '../../shared/changes/kinds.ts'
import { NamedAnswer, type NotMatched } from '../../shared/changes/named-ids.ts'
import { RefusedAnswer } from '../../shared/changes/refused.ts'
import { Failure } from '../../shared/errors.ts'
import { outcomes } from '../../shared/outcomes.ts'
import { escaped } from '../../shared/text/escape.ts'
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
  /** Whether a filter narrows the jobs that are named, and may be all that leaves one out. */
  isNarrowed?: boolean
  /** Why the engine ends no running job, and what to do instead: no hint names `cancel --force` then. */
  cannotEnd?: string
}

/** What the functions below need of a change. */
interface NamingChange {
  name: BulkKind
  naming?: Naming
  words?: readonly string[]
}

/** Jobs that the command names and the change leaves. */
interface Left {
  listed: readonly NotMatched[]
  unknown: readonly JobId[]
  missing: number
  notTaken: number
  /** Why the server refused jobs, by their ids. */
  reasons: ReadonlyMap<JobId, string>
  /** What the preview of an edit says of the jobs that it leaves. */
  why: LeftOut | undefined
}

const Causes = z.object({ refused: RefusedAnswer.shape.refused, left_out: LeftOut.optional().catch(undefined) })

function leftBy<In extends z.ZodType>({ naming }: NamingChange, answers: readonly z.output<In>[]): Left {
  const { before = [], unknown = [], inEach } = naming ?? {}
  const parts = answers.map((answer) => NamedAnswer.parse(answer))
  const causes = answers.map((answer) => Causes.parse(answer))
  const reasons = new Map(causes.flatMap(({ refused = [] }) => refused.map(({ job_id, reason }) => [job_id, reason])))
  // What several calls leave is not told apart by their causes.
  const told = { reasons, why: causes.length === 1 ? causes[0]?.left_out : undefined }
  if (inEach !== undefined && parts.length > 1) return { ...leftByAll(parts, inEach), ...told }
  const missing = before.filter(({ status }) => status === null).length
  return {
    listed: [...before, ...parts.flatMap(({ not_matched = [] }) => not_matched)],
    unknown,
    missing: missing + unknown.length + sumOf(parts.map(({ missing_count = 0 }) => missing_count)),
    notTaken: before.length - missing + sumOf(parts.map(({ not_taken_count = 0 }) => not_taken_count)),
    ...told,
  }
}

/** The same of calls that name the same jobs, of which each takes those of its domain. */
function leftByAll(parts: readonly NamedAnswer[], named: number): Omit<Left, 'reasons' | 'why'> {
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
  // The list has the first 100 jobs, and says nothing of the others.
  const isAllListed = left.listed.length >= left.notTaken
  const isDone = isAllListed && left.listed.every((job) => !left.reasons.has(job.id) && isAlready(change, job))
  return isDone || change.naming?.fromFile ? undefined : new Failure('conflict', text)
}

/** Whether the texts would name `cancel --force` for jobs of another engine, of which not every one can end running jobs. */
export const hintsAtForce = (change: NamingChange, answers: readonly unknown[]): boolean =>
  change.name === 'cancel' &&
  leftBy(change, answers).listed.some(({ id, status }) => status === 'processing' && isOfEngine(id))

const mostNamed = 10

/** `there is no job 5`, `job 97 is quarantined: jobsctl requeue 97`, one text for each state and reason. */
function textsOf(
  { another }: Pick<Context, 'another'>,
  { name, naming, words = [] }: NamingChange,
  left: Left,
): string[] {
  const { listed, unknown, missing, notTaken } = left
  const absent = listed.filter(({ status }) => status === null).map(({ id }) => id)
  const others = listed.filter(({ status }) => status !== null)
  const unlisted = notTaken - others.length
  const isNarrowed = naming?.isNarrowed ?? false
  const said = {
    name,
    another,
    isNarrowed,
    why: left.why,
    cannotEnd: naming?.cannotEnd,
    isForced: words.includes('--force'),
  }
  // Servers up to 0.2.0 list none.
  const toSee = listed.length > 0 ? ': name fewer ids to see each' : ''
  return [
    ...statesOf(others, left.reasons).map((group) => stateText({ ...group, ...said })),
    ...(unlisted > 0
      ? [`${jobsText(unlisted)}${others.length > 0 ? ' more' : ''} not taken, by state or filter${toSee}`]
      : []),
    ...(missing > unknown.length ? [absentText(absent, missing - unknown.length)] : []),
    ...(unknown.length > 0 ? [`no quarantined job has the id ${unknown.join(', ')}`] : []),
  ]
}

interface Group {
  status: string
  ids: JobId[]
  /** Why the server refused them. */
  reason?: string | undefined
}

/** The ids by state and reason, in the order of the first of each. */
function statesOf(jobs: readonly NotMatched[], reasons: Left['reasons']): Group[] {
  const groups = new Map<string, Group>()
  for (const { id, status } of jobs) {
    const reason = reasons.get(id)
    const key = JSON.stringify([status, reason])
    const group = groups.get(key) ?? { status: status ?? '', ids: [], reason }
    group.ids.push(id)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function idsText(ids: readonly JobId[], count = ids.length): string {
  const first = ids.slice(0, mostNamed)
  const more = count - first.length
  return `${first.join(', ')}${more > 0 ? ` and ${groupedDigits(more)} more` : ''}`
}

function absentText(ids: readonly JobId[], count: number): string {
  if (ids.length === 0)
    return count === 1 ? 'one of the ids has no job' : `${groupedDigits(count)} of the ids have no job`
  return count === 1 ? `there is no job ${ids.join('')}` : `there are no jobs ${idsText(ids, count)}`
}

interface InState extends Group {
  name: BulkKind
  another: Context['another']
  isNarrowed: boolean
  why: Left['why']
  cannotEnd: Naming['cannotEnd']
  isForced: boolean
}

function stateText({ name, status, ids, reason, another, isNarrowed, why, cannotEnd, isForced }: InState): string {
  const isOne = ids.length === 1
  const which = isOne ? `job ${ids[0]} is` : `jobs ${idsText(ids)} are`
  if (name === 'edit' && status === 'queued') {
    if (reason !== undefined) return `${which} queued, and cannot be edited so: ${escaped(reason)}`
    return `${which} queued, and ${editCauses({ isNarrowed, why, isOne }).join(', or ')}`
  }
  const notTaken = `${which} ${escaped(status)}, and ${name} does not take ${isOne ? 'it' : 'them'}`
  if (reason !== undefined) return `${notTaken}: ${escaped(reason)}`
  if (ids.every((id) => isAlready({ name }, { id, status }))) {
    const isAsked = name === 'cancel' && status === 'processing'
    const state = isAsked ? 'running' : escaped(status)
    const so = isAsked ? 'asked to end already' : 'as wanted already'
    if (isNarrowed && takes(name, status)) return `${which} ${state}, and outside of the filter, or ${so}`
    return isAsked ? `${which} ${state}, and ${so}` : `${which} ${state} already`
  }
  if (cannotEnd !== undefined && status === 'processing' && ids.every(isOfEngine))
    return `${which} running: ${escaped(cannotEnd)}`
  if (isNarrowed && takes(name, status)) {
    // Without --force, a cancel of another engine takes no running job.
    const byForce = name === 'cancel' && status === 'processing' && !isForced ? ', or ended by --force alone' : ''
    return `${which} ${escaped(status)}, and outside of the filter${byForce}`
  }
  if (name === 'redrive' && takes(name, status))
    return `${which} ${escaped(status)}, and no dead letter${isOne ? '' : 's'}`
  const way = ways[name]?.[status]
  if (way !== undefined && ids.length > mostNamed)
    return `${which} ${escaped(status)}: ${another([...way])} with their ids takes them`
  if (way !== undefined) return `${which} ${escaped(status)}: ${another([...way, ...ids.map(String)])}`
  return takes(name, status) ? notTaken : `${which} ${escaped(status)}, ${notTakenText(name)}`
}

const takes = (name: BulkKind, status: string): boolean => kindOf(name).takes.some((state) => state === status)

/** Why an edit leaves queued jobs, as far as its preview tells causes apart. */
function editCauses({ isNarrowed, why, isOne }: Pick<InState, 'isNarrowed' | 'why'> & { isOne: boolean }): string[] {
  const [has, is] = isOne ? ['has', 'is'] : ['have', 'are']
  const isKnown = why !== undefined && (isNarrowed || why.already_so + why.not_as_asked > 0)
  return [
    ...(!isKnown || why.not_as_asked > 0 ? [`${has} other values than --if`] : []),
    ...(!isKnown || why.already_so > 0 ? [`${has} the values of the edit already`] : []),
    ...(isNarrowed ? [`${is} outside of the filter`] : []),
    ...(isKnown ? [] : ['cannot be edited so']),
  ]
}

/** The command that takes jobs of another state. Only own jobs are asked to end: those of other engines end by force, or not at all. */
const ways: Partial<Record<BulkKind, Record<string, readonly string[]>>> = {
  cancel: { processing: ['cancel', '--force'] },
  retry: { quarantined: ['requeue'] },
  requeue: { failed: ['retry'] },
  redrive: { failed: ['retry'] },
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

const isAlready = ({ name }: Pick<NamingChange, 'name'>, { id, status }: NotMatched): boolean =>
  status !== null && (already[name]?.includes(status) ?? false) && !(status === 'processing' && isOfEngine(id))

/** The id of a job of another engine is the text of its key. */
const isOfEngine = (id: JobId): boolean => typeof id === 'string' && id.includes('/')

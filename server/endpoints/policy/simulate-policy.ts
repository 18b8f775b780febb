import type { Rule } from '../../../shared/policy/rule.ts'
import type { SimulatedRule, Simulation } from '../../../shared/policy/simulate.ts'
import { clockText } from '../../../shared/times/time-and-size.ts'
import { byCaller } from '../../bulk/change/commission.ts'
import type { Call } from '../../call.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { servedBy } from '../../engines/served.ts'
import type { InputOf } from '../handlers.ts'
import { requireRules } from './apply-policy.ts'
import { describeRule } from './rule-change.ts'
import { type Counted, countMatched, mostCohorts, mostJobs } from './simulate/count-matched.ts'
import { type EventLog, mostEvents, readLog } from './simulate/read-log.ts'
import { mostRuns, playRuns, runsOf, type Window } from './simulate/runs.ts'

/** All rules together are counted for so long, in milliseconds. */
const countingMs = 10_000
/** One rule is counted for its even share of the time that is left, and for so long at least, in milliseconds. */
const leastCountingMs = 1000
/** What is left of the time where a count with the past took too long: for one of the jobs that are there. */
const shareOfPast = 0.6

/** The days, when the count of all rules ends by `performance.now()`, and how many rules are to be counted. */
interface Bounds extends Window {
  end: number
  rules: number
}

/** Counts what the rules of a policy would have taken on each of the last days. Only reads. @throws Failure `not_supported` */
export async function simulatePolicy(call: Call, { rules, days }: InputOf<'simulatePolicy'>): Promise<Simulation> {
  requireRules(call, rules)
  const [{ now }] = await call.sql<[{ now: string }]>`select now()`
  const to = Date.parse(now)
  const from = to - days * 86_400_000
  const end = performance.now() + countingMs
  const simulated: SimulatedRule[] = []
  for (const [index, rule] of rules.entries())
    simulated.push(await simulateRule(call, rule, { from, to, end, rules: rules.length - index }))
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), rules: simulated }
}

async function simulateRule(call: Call, rule: Rule, bounds: Bounds): Promise<SimulatedRule> {
  const left = () => (call.disconnected().aborted ? 0 : bounds.end - performance.now())
  const runs = await runsOf(rule, bounds, () => left() <= 0)
  if (runs === 'many') return uncounted(rule, `it would have run more than ${mostRuns.toLocaleString('en-US')} times`)
  if (runs === 'late') return uncounted(rule, tooLate)
  if (runs.length === 0) return neverRun(rule)
  const ofRule = performance.now() + Math.max(left() / bounds.rules, leastCountingMs)
  const leftOfRule = () => Math.min(left(), ofRule - performance.now())
  const { server, bulk } = await describeRule(call, byCaller(call), rule)
  const isOwn = servedBy(server.sql).mode === 'own'
  const read = await server.sql
    .begin('isolation level repeatable read read only', async (tx) => {
      const within = <Result>(ms: number, read: (sql: typeof tx) => Promise<Result>) =>
        tx
          .savepoint(async (sql) => {
            await sql`select set_config('statement_timeout', ${String(Math.max(1, Math.round(ms)))}::text, true)`
            return read(sql)
          })
          .catch(unlessLate)
      if (left() <= 0) return undefined
      const log = await within(leftOfRule(), readLog)
      if (!log) return undefined
      const [from, to] = [new Date(bounds.from).toISOString(), new Date(bounds.to).toISOString()]
      const counting = { rule, bulk, runs, from, to }
      const recent = { after: log.after, since: from }
      const whole = await within(leftOfRule() * shareOfPast, (sql) => countMatched(sql, { ...counting, recent }))
      if (whole) return { log, counted: whole, isWhole: true }
      const counted = await within(leftOfRule(), (sql) => countMatched(sql, { ...counting, recent: undefined }))
      return counted && { log, counted, isWhole: false }
    })
    .catch(unlessLate)
  if (!read) return uncounted(rule, tooLate)
  return answerOf({ ...read, rule, runs, isOwn, from: bounds.from })
}

/** A statement that waits for a lock is late, too: what it cannot read is said. @throws any other error */
function unlessLate(error: unknown): undefined {
  if (!hasCode(error, ['57014', '55P03'])) throw error
}

const neverRun = ({ name, prune }: Rule): SimulatedRule => {
  const afterwards = { retried: 0, revealed: 0, edited: 0, held: 0, ran: prune ? null : 0 }
  return { name, why: null, days: [], matched: 0, would_change: 0, afterwards, at_least: false, not_known: [] }
}

const tooLate = `the rules together take longer than ${countingMs / 1000} s`

const uncounted = ({ name }: Rule, why: string): SimulatedRule => {
  const none = { matched: 0, would_change: 0, afterwards: null, at_least: true, not_known: [] }
  return { name, why, days: null, ...none }
}

interface Read {
  rule: Rule
  runs: readonly Date[]
  log: EventLog
  counted: Counted
  /** The past was read, too. */
  isWhole: boolean
  isOwn: boolean
  from: number
}

function answerOf({ rule, runs, counted, ...read }: Read): SimulatedRule {
  const days = playRuns(rule, runs, counted.cohorts)
  const sum = (of: 'matched' | 'would_change') => days.reduce((all, day) => all + day[of], 0)
  const lacks = lacksOf({ counted, ...read })
  return {
    name: rule.name,
    why: null,
    days,
    matched: sum('matched'),
    would_change: sum('would_change'),
    afterwards: counted.afterwards,
    at_least: lacks.length > 0,
    not_known: [...lacks, ...alwaysUnknown(rule)],
  }
}

/** Why the numbers are lower bounds. */
function lacksOf({ log, counted, isWhole, isOwn, from }: Omit<Read, 'rule' | 'runs'>): string[] {
  const lacks: string[] = []
  if (!isWhole) lacks.push('Only jobs that are there now are counted: to read the past takes too long.')
  if (counted.isCut) lacks.push(`More than ${mostJobs.toLocaleString('en-US')} jobs match; the others are not counted.`)
  if (counted.isParted)
    lacks.push(
      `The jobs came and left at more than ${mostCohorts.toLocaleString('en-US')} pairs of runs; those of the later pairs are not counted.`,
    )
  if (!isOwn)
    lacks.push('The engine keeps no events of its jobs: those that it has deleted or run since are not counted.')
  if (log.begins === null) lacks.push('No event is kept: what became of the jobs is not known.')
  else if (Date.parse(log.begins) > from)
    lacks.push(
      log.isCut
        ? `Only the newest ${mostEvents.toLocaleString('en-US')} events are read: from ${clockText(log.begins)} on.`
        : `The first event that is kept is of ${clockText(log.begins)}.`,
    )
  if (counted.unknown > 0) {
    const one = counted.unknown === 1
    const jobs = `${counted.unknown.toLocaleString('en-US')} ${one ? 'job that ran again is' : 'jobs that ran again are'}`
    lacks.push(`${jobs} not counted: neither an event nor a record says when ${one ? 'it' : 'they'} had ended.`)
  }
  return lacks
}

/** What nothing keeps. */
const alwaysUnknown = ({ prune }: Rule): string[] => [
  prune
    ? 'Jobs that were deleted without the archive, or that have left it, are not counted.'
    : 'A queued job that ran for a while before counts as if it had waited all the time.',
  'A hold that has ended is not known; one from before these days keeps its jobs on all of them.',
]

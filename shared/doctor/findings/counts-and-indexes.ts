import type { z } from 'zod'
import { escaped } from '../../text/escape.ts'
import { sizeText } from '../../times/time-and-size.ts'
import type { checkCounts } from '../counts.ts'
import type { Idle } from '../idle-indexes.ts'
import { areBeingBuilt } from '../idle-trigger.ts'
import { type MissingIndex, withoutUnique } from '../missing-indexes.ts'
import type { Finding } from './finding.ts'
import { enabling, quotedName } from './sql.ts'

type Counts = z.output<typeof checkCounts.output>

/** Whether stats are right, and whether triggers keep their counts. */
export function findingOfCounts({ kept, why, triggers, wrong, mended_at, mended }: Counts): Finding {
  if (!kept) {
    const reason = escaped(why ?? 'the server gives no reason')
    const next = areBeingBuilt(triggers) ? 'wait until they are built' : 'read the log of the server'
    return {
      detail: `stats count the rows of jobs at each call: ${reason}`,
      hint: `the counts are right but slower; ${enabling(triggers) ?? next}`,
    }
  }
  if (wrong > 0) {
    const detail = `the counts of stats were wrong by ${wrong.toLocaleString('en-US')} jobs; the server has corrected them`
    return { detail, hint: 'a program writes to jobs with triggers disabled: find it, and run jobsctl doctor again' }
  }
  const before =
    mended_at === null
      ? ''
      : `; ${(mended ?? 0).toLocaleString('en-US')} jobs were corrected on ${mended_at.slice(0, 10)}`
  return { detail: `the counts of stats match the rows of jobs${before}`, hint: undefined }
}

/** Which indexes the server needs and the database does not have. */
export function findingOfMissing(all: readonly MissingIndex[]): Finding {
  const impossible = all.filter(({ state }) => state === 'impossible')
  const { detail, hint } = findingOfPossible(all.filter(({ state }) => state !== 'impossible'))
  const [one] = impossible
  if (!one) return { detail, hint }
  const what = `PostgreSQL cannot have the unique index ${escaped(one.index)} on the partitions of ${escaped(one.table)}, whose key it lacks: ${withoutUnique}`
  return { detail: hint === undefined ? what : `${detail}; ${what}`, hint: hint ?? uniqueHint }
}

const uniqueHint =
  'enqueue in SQL, and look there for a job with the same key; partitions by domain or job_type can have it (docs/deploy/partitions.md)'

function findingOfPossible(missing: readonly MissingIndex[]): Finding {
  const [first] = missing
  if (!first) return { detail: 'no index that the server needs is missing', hint: undefined }
  const list = missing.map(({ index, state }) => `${escaped(index)}${stateWords.get(state) ?? ''}`)
  const slow = missing.every(({ for_operators }) => for_operators)
    ? 'searches of operators are bounded without them'
    : 'calls of workers are slow or refused without them'
  const detail = `the database lacks indexes: ${list.join(', ')}; ${slow}`
  if (missing.every(({ state }) => state === 'building')) return { detail, hint: 'wait until they are built' }
  return {
    detail,
    hint: `jobs-server indexes plan says what each serves and costs; jobs-server indexes build ${escaped((missing.find(({ state }) => state !== 'building') ?? first).index)}`,
  }
}

/** The words for the states of a missing index beside `missing`. */
const stateWords = new Map([
  ['invalid', ' (invalid)'],
  ['building', ' (is being built)'],
])

/** Which indexes slow every write and are not used. `now` is in milliseconds. */
export function findingOfIndexes(idle: readonly Idle[], now: number): Finding {
  const sure = idle.filter((index) => isSure(index, now))
  if (sure.length === 0) return { detail: 'no index of jobs is known to be useless', hint: undefined }
  const list = sure.map(({ index, bytes, why }) => `${escaped(index)} (${sizeText(bytes)}, ${escaped(why)})`)
  return {
    detail: `these indexes slow every write and are not used here: ${list.join(', ')}`,
    hint: [...(sure.some(isOwn) ? [ownHint] : []), ...(sure.every(isOwn) ? [] : [othersHint]), dropping(sure)].join(
      '; ',
    ),
  }
}

const ownHint = 'another version of jobs-server made the indexes jobsctl_*, and makes them again where it still runs'
const othersHint = 'the program that made an index may make it again at its next start, so change that program first'
/** The most statements of one hint. */
const mostDrops = 3

/** The statements that drop indexes; PostgreSQL drops one index at a time beside writers. */
function dropping(idle: readonly Idle[]): string {
  const statements = idle.slice(0, mostDrops).map(({ index }) => `drop index concurrently ${quotedName(index)};`)
  return `if no replica uses them either, a superuser or the owner of jobs runs: ${statements.join(' ')}`
}

/** The least age of the statistics of the database, in milliseconds: a weekly job may use an index. */
const leastStatisticsMs = 7 * 86_400_000

const isOwn = ({ index }: Idle): boolean => index.startsWith('jobsctl_')

/**
 * Whether an index is surely useless: another index covers it, or another version of the server made it and a week of
 * statistics has no use of it. Unused indexes of other programs are left out, since these programs make them again at each
 * start.
 */
function isSure(idle: Idle, now: number): boolean {
  if (idle.why.startsWith('covered by')) return true
  const since = Date.parse(idle.unused_since ?? '')
  return isOwn(idle) && now - since >= leastStatisticsMs
}

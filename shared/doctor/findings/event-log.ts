import type { z } from 'zod'
import { units } from '../../times/duration.ts'
import { sizeText, whenText } from '../../times/time-and-size.ts'
import type { EventLogPart, storage } from '../storage.ts'
import { type Finding, notReported } from './finding.ts'
import { mayNotRead } from './rights.ts'

type Stored = Pick<z.output<typeof storage.output>, 'event_log' | 'rights' | 'tables'>
type Kind = EventLogPart['kind']

const dayMs = 1000 * units.d
/** Old events are deleted from time to time, and 7 days later while a registered reader has not read them. */
const daysOfGrace = 9

const names: Record<Kind, string> = { steps: 'step of a job', audit: 'action of an operator' }
const settings: Record<Kind, string> = { steps: 'JOBS_EVENTS_DAYS=30', audit: 'JOBS_AUDIT_DAYS=400' }

/** How large the event log is and how long its events of one kind are kept, in words. `now` is in milliseconds. */
export function findingOfEvents(
  { event_log, rights, tables }: Stored,
  { kind, now }: { kind: Kind; now: number },
): Finding {
  const part = event_log?.find((part) => part.kind === kind)
  if (!part && mayNotRead({ rights }, ['job_events', 'jobsctl_settings']))
    return { detail: 'not checked: the role of the server may not read the event log', hint: 'see the line rights' }
  if (!part) return notReported
  const { days, oldest } = part
  const log = tables.find(({ table }) => /(^|\.)job_events$/.test(table))
  const size = log ? `job_events about ${log.rows.toLocaleString('en-US')} rows, ${sizeText(log.bytes)}` : 'job_events'
  const age = ageInDays(oldest, now)
  const kept = days === null ? 'kept for ever' : `kept ${dayText(days)}`
  const swept = log?.swept_at === undefined || days === null ? '' : `, swept ${whenText(log.swept_at, now)}`
  const detail = `${size}, oldest ${names[kind]} ${age === undefined ? 'none' : `${dayText(age)} old`}, ${kept}${swept}`
  return { detail, hint: hintOn({ kind, days, age, parts: event_log ?? [] }) }
}

/** Undefined where there is no time, or none that a calendar has. */
function ageInDays(time: string | null, now: number): number | undefined {
  const ms = time === null ? Number.NaN : now - Date.parse(time)
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.floor(ms / dayMs))
}

interface Judged {
  kind: Kind
  days: number | null
  age: number | undefined
  parts: readonly EventLogPart[]
}

function hintOn({ kind, days, age, parts }: Judged): string | undefined {
  if (days === null) {
    const unset = parts.filter((part) => part.days === null).map((part) => settings[part.kind])
    return `no term is set, so this part of the log only grows; to bound it, start the servers so: ${unset.join(' ')} jobs-server`
  }
  if (age === undefined || age <= days + daysOfGrace) return undefined
  return `the oldest ${names[kind]} is ${dayText(age)} old, and its term is ${dayText(days)}: retention does not run, or has not come so far; read the log of the server`
}

const dayText = (days: number): string => `${days.toLocaleString('en-US')} ${days === 1 ? 'day' : 'days'}`

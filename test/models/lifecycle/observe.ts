import { expect } from 'vitest'
import * as z from 'zod'
import type { FinishResult } from '../../../shared/work/finish.ts'
import type { World } from '../../support/world.ts'
import { type Held, type Model, type ModelJob, placeOf, second, type Time } from './model.ts'
import type { Attempt } from './settle.ts'

/** A model beside the world that it models. */
export interface Session {
  world: World
  model: Model
  /** By how much the rows have been moved into the past, in microseconds. */
  moved: Time
  /** The id of the last event that was compared. */
  lastEventId: number
  /** The rows as they were when they were compared last. */
  rows: Observed[]
  /** Every finish that was sent, the oldest first. */
  sent: Sent[]
  /** The response to the first of the finishes with a token. */
  finishResults: Map<string, FinishResult>
}

/** A finish as it was sent. */
export interface Sent {
  held: Held
  attempt: Attempt
  body: object
}

/** A row of jobs; times are those of the model. */
export type Observed = Record<string, unknown>

interface Event {
  id: number
  job_id: number | null
  domain: string | null
  queue: string | null
  job_type: string | null
  event_type: string
  attrs_json: { affected?: number; reason?: string }
}

interface Tables {
  now: number
  jobs: Observed[]
  events: Event[]
  edges: { job_uuid: string; depends_on_job_uuid: string }[]
  controls: { domain: string; queue: string; paused: boolean; drain: boolean }[]
}

/** Reads all tables, compares them with the model, and takes over the exact times. */
export async function observe(session: Session): Promise<void> {
  const { model, moved } = session
  const tables = await read(session)
  const rows = tables.jobs.map((row) => inModelTime(row, moved))
  for (const [n, job] of model.jobs.entries()) takeTimes(job, rows[n] ?? {})
  expect(rows.map((row, n) => fieldsOf(row, model.jobs[n]?.row ?? row))).toEqual(model.jobs.map(({ row }) => row))
  refuseReturns(session.rows, rows)
  // The seal of a record is no step of a job and no decision of an operator.
  const steps = tables.events.filter(({ event_type }) => event_type !== 'operation.sealed')
  expect(sortedTexts(steps.map(eventText))).toEqual(sortedTexts(model.steps.map(stepText)))
  expect(tables.edges.map((edge) => `${edge.job_uuid} needs ${edge.depends_on_job_uuid}`).sort()).toEqual(
    edgesOf(model),
  )
  expect(
    Object.fromEntries(tables.controls.map(({ paused, drain, ...scope }) => [placeOf(scope), [paused, drain]])),
  ).toEqual(Object.fromEntries([...model.queues].map(([at, { paused, drain }]) => [at, [paused, drain]])))
  model.steps = []
  model.now = tables.now + moved
  session.lastEventId = tables.events.at(-1)?.id ?? session.lastEventId
  session.rows = rows
}

async function read({ world: { sql }, lastEventId }: Session): Promise<Tables> {
  const [tables] = await sql<[Tables]>`
    select
      (extract(epoch from now()) * 1000000)::bigint as now,
      (select coalesce(jsonb_agg(jobs order by id), '[]') from jobs) as jobs,
      (select coalesce(jsonb_agg(job_events order by id), '[]') from job_events where id > ${lastEventId}::bigint) as events,
      (select coalesce(jsonb_agg(job_dependencies), '[]') from job_dependencies) as edges,
      (select coalesce(jsonb_agg(job_queue_controls), '[]') from job_queue_controls) as controls`
  return tables
}

/** A job as a row or an answer has it, its times as the model has them, and its failures by their codes. */
export const inModelTime = (row: object, moved: Time): Observed =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]: [string, unknown]) => {
      if (value !== null && /_(at|until)$/.test(name)) return [name, micros(value) + moved]
      return [name, name === 'failure_timeline' ? codesOf(value) : value]
    }),
  )

const Failures = z.array(z.object({ error_code: z.string().nullable() })).nullable()

const codesOf = (failures: unknown) => Failures.parse(failures)?.map(({ error_code }) => error_code) ?? null

/** ISO 8601 with up to six digits of a second, as microseconds. */
export function micros(time: unknown): Time {
  const [, seconds, digits = ''] = /^(.{19})(?:\.(\d+))?(?:Z|\+00:00)$/.exec(String(time)) ?? []
  return Date.parse(`${seconds}Z`) * 1000 + Number(digits.padEnd(6, '0'))
}

/** The fields of a row that something else has, too. */
export const fieldsOf = (row: Observed, names: object): Observed =>
  Object.fromEntries(Object.keys(names).map((name) => [name, row[name]]))

/** How much later than the model thinks the server may have carried a call out. */
export const patience = 20 * second

/** What the model could not know to the microsecond, if it is in its bounds. */
function takeTimes({ row, fresh }: ModelJob, found: Observed): void {
  for (const [column, width] of fresh) {
    const time = found[column]
    const from = row[column] ?? 0
    if (typeof time === 'number' && time >= from && time <= from + width + patience) row[column] = time
  }
  fresh.clear()
}

/** Whatever the model thinks: what is finished stays as it is, and only what quarantine stopped is queued again. */
function refuseReturns(before: Observed[], after: Observed[]): void {
  const now = new Map(after.map((row) => [row.id, row]))
  for (const { updated_at: _, ...row } of before) {
    const found = now.get(row.id)
    if (!found || row.status === 'queued' || row.status === 'processing') continue
    const comesBack = row.status === 'quarantined' || row.cancellation_reason?.toString().startsWith('dependency_')
    if (!comesBack || found.status !== 'queued') expect(found).toMatchObject(row)
  }
}

const sortedTexts = (lines: { id: number; text: string }[]): string[] =>
  // The order is that of each job's own life: a call tells about many in any order.
  lines.toSorted((a, b) => a.id - b.id).map(({ text }) => text)

function eventText({ job_id, domain, queue, job_type, event_type, attrs_json }: Event) {
  const { affected, reason = '' } = attrs_json
  if (job_id === null && affected === undefined) return { id: 0, text: `${event_type} ${domain}/${queue}` }
  if (job_id === null)
    return { id: 0, text: `${event_type} ${affected} of ${domain ?? '*'}/${queue ?? '*'}/${job_type ?? '*'}` }
  const why = event_type === 'job.cancelled' ? ` ${reason}` : ''
  return { id: job_id, text: `${event_type}${why} ${job_id} of ${domain}/${queue}/${job_type}` }
}

function stepText({ job, event }: Model['steps'][number]) {
  if (!job) return { id: 0, text: event }
  const { id, domain, queue, job_type, cancellation_reason } = job.row
  const why = event === 'job.cancelled' ? ` ${cancellation_reason ?? ''}` : ''
  return { id, text: `${event}${why} ${id} of ${domain}/${queue}/${job_type}` }
}

const edgesOf = ({ jobs }: Model): string[] =>
  jobs.flatMap(({ row, needs }) => needs.map((need) => `${row.uuid} needs ${need.row.uuid}`)).sort()

import postgres from 'postgres'
import { expect } from 'vitest'
import * as z from 'zod'
import { Preview } from '../../../shared/changes/bulk-change.ts'
import type { BulkKind } from '../../../shared/changes/kinds.ts'
import { OperationRecord } from '../../../shared/records/records.ts'
import { ago, type Wanted } from '../database/job-row.ts'
import type { Answer } from '../http.ts'
import { paths, type World } from '../world.ts'

export type Fields = Record<string, unknown>
type Headers = Record<string, string>

/** A bulk change as the tests ask for it. */
export interface Change {
  name: string
  kind: Exclude<BulkKind, 'undo' | 'erase' | 'redrive'>
  path: string
  body: Fields
  preview: Fields
  /** Jobs that it touches. */
  wanted: Wanted
}

const limits = { age_seconds: 3600, runtime_seconds: 3600 }
const scope = { domain: 'chatbooks' }

export const prune: Change = {
  ...{ name: 'prune', kind: 'prune', path: paths.prune },
  ...{ body: scope, preview: { ...scope, dry_run: true }, wanted: {} },
}
export const cancelSweep: Change = {
  ...{ name: 'sweep that cancels', kind: 'sweep', path: paths.sweep },
  ...{ body: { ...scope, ...limits }, preview: { ...scope, ...limits, dry_run: true }, wanted: { status: 'queued' } },
}
export const failSweep: Change = {
  ...{ name: 'sweep that fails', kind: 'sweep', path: paths.sweep },
  body: { ...cancelSweep.body, action: 'fail' },
  preview: { ...cancelSweep.preview, action: 'fail' },
  wanted: { status: 'processing' },
}
export const requeue: Change = {
  ...{ name: 'requeue', kind: 'requeue', path: paths.requeue },
  ...{ body: scope, preview: { ...scope, dry_run: true }, wanted: { status: 'quarantined' } },
}
export const integrity: Change = {
  ...{ name: 'integrity fix', kind: 'integrity', path: paths.integrity },
  body: { ...scope, fix: true },
  preview: scope,
  wanted: { status: 'processing', leased_until: ago(3600) },
}
export const cancel: Change = {
  ...{ name: 'cancel', kind: 'cancel', path: '/api/v1/jobs/batch/cancel' },
  ...{ body: scope, preview: { ...scope, dry_run: true }, wanted: { status: 'queued' } },
}
export const retry: Change = {
  ...{ name: 'retry', kind: 'retry', path: '/api/v1/jobs/batch/retry' },
  ...{ body: scope, preview: { ...scope, dry_run: true }, wanted: { status: 'failed' } },
}
export const reclaim: Change = {
  ...{ name: 'reclaim', kind: 'reclaim', path: '/api/v1/jobs/batch/reclaim' },
  ...{ body: scope, preview: { ...scope, dry_run: true }, wanted: { status: 'processing' } },
}
const later = { ...scope, available_at: '2099-01-01T00:00:00Z' }
export const reschedule: Change = {
  ...{ name: 'reschedule', kind: 'reschedule', path: '/api/v1/jobs/batch/reschedule' },
  ...{ body: later, preview: { ...later, dry_run: true }, wanted: { status: 'queued' } },
}
const urgent = { ...scope, priority: 1 }
export const priority: Change = {
  ...{ name: 'priority', kind: 'priority', path: '/api/v1/jobs/batch/priority' },
  ...{ body: urgent, preview: { ...urgent, dry_run: true }, wanted: { status: 'queued' } },
}
const edited = { ...scope, set: [{ path: 'payload.edited', value: 'by the change' }] }
export const edit: Change = {
  ...{ name: 'edit', kind: 'edit', path: '/api/v1/jobs/batch/edit' },
  ...{ body: edited, preview: { ...edited, dry_run: true }, wanted: { status: 'queued' } },
}
export const changes: readonly Change[] = [
  ...[prune, cancelSweep, failSweep, requeue, integrity],
  ...[cancel, retry, reclaim, reschedule, priority, edit],
]

export const at = {
  list: '/api/v1/jobs/operations',
  verify: '/api/v1/jobs/operations/verify',
  get: (id: number) => `/api/v1/jobs/operations/${id}`,
  undo: (id: number) => `/api/v1/jobs/operations/${id}/undo`,
}

const count = z.number().int().nonnegative()
const Outcome = z.object({
  ...{ deleted: count.optional(), affected: count.optional(), fixed: count.optional() },
  ...{ operation_id: count.optional(), skipped: count.optional(), skipped_locked: count.default(0) },
})

/** What a change says that it has done. */
export interface Done {
  affected: number
  operation: number | undefined
  skipped: number | undefined
  skippedLocked: number
}

/** @throws the whole answer of a change that was refused */
export function doneOf({ status, body }: Answer): Done {
  if (status !== 200) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
  const { deleted, fixed, affected, operation_id, skipped, skipped_locked } = Outcome.parse(body)
  return {
    affected: deleted ?? fixed ?? affected ?? 0,
    operation: operation_id,
    skipped,
    skippedLocked: skipped_locked,
  }
}

/** The preview of a change. */
export async function previewOf(world: Pick<World, 'post'>, { path, preview }: Change): Promise<Preview> {
  const { body } = await world.post(path, preview)
  return z.object({ preview: Preview }).parse(body).preview
}

/** The answer of a change, perhaps by a preview. */
export const ask = (
  world: World,
  { path, body }: Change,
  fields: Fields = {},
  headers: Headers = {},
): Promise<Answer> => world.confirm(path, { ...body, ...fields }, headers)

export const recordOf = async (world: World, id: number | undefined): Promise<OperationRecord> =>
  OperationRecord.parse((await world.call('GET', at.get(id ?? 0))).body)

export const codeOf = ({ status, body }: Answer): string =>
  `${status} ${z.object({ code: z.string() }).safeParse(body).data?.code ?? ''}`

/** Whether the records are as they were sealed, as the server says. */
export async function isIntact(world: World): Promise<boolean> {
  return z.object({ ok: z.boolean() }).parse((await world.call('GET', at.verify)).body).ok
}

/** Empties all tables, those of the records, too. */
export async function clearAll(world: World): Promise<void> {
  await world.sql`truncate job_operations, job_operation_days, job_operation_rows, jobsctl_seals restart identity`
  await world.clear()
}

/** Another program on the same database, with connections of its own. */
export const otherProgram = (world: World, max = 4): postgres.Sql =>
  postgres(world.env.JOBS_DB_URL ?? '', { max, onnotice: () => {}, types: {} })

/** Holds what `take` locks or writes until it is let go. */
export async function holding(other: postgres.Sql, take: (tx: postgres.TransactionSql) => Promise<unknown>) {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const { promise: taken, resolve, reject } = withResolvers()
  const over = other.begin(async (tx) => {
    await take(tx)
    resolve()
    await released
  })
  over.catch(reject)
  await taken
  return async () => {
    release()
    await over
  }
}

function withResolvers() {
  let resolve = () => {}
  let reject: (cause: unknown) => void = () => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve: () => resolve(), reject: (cause: unknown) => reject(cause) }
}

export const expectIntact = async (world: World): Promise<void> => expect(await isIntact(world)).toBe(true)

/** Runs beside a trigger of another program on the deletes of jobs. */
async function beside<T>({ sql }: World, when: string, body: string, run: () => Promise<T>): Promise<T> {
  await sql.unsafe(`
    create function theirs() returns trigger language plpgsql as $$ begin ${body} end $$;
    create trigger theirs ${when} execute function theirs()`)
  return run().finally(() => sql.unsafe('drop function theirs cascade'))
}

/** Another program does not let this one go. */
export const refusing = (world: World, id: number, run: () => Promise<void>): Promise<void> =>
  beside(
    world,
    'before delete on jobs for each row',
    `if old.id = ${id} then raise exception 'not this one'; end if; return old;`,
    run,
  )

/** Every batch takes its time. */
export const slowly = (world: World, run: () => Promise<void>): Promise<void> =>
  beside(world, 'after delete on jobs for each statement', 'perform pg_sleep(0.05); return null;', run)

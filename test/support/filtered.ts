import * as z from 'zod'
import { differences } from './differences.ts'
import type { World } from './world.ts'

/** The paths of the changes that take a filter. */
export const filteredPaths = {
  cancel: '/api/v1/jobs/batch/cancel',
  retry: '/api/v1/jobs/batch/retry',
  retryNow: '/api/v1/jobs/retry-now',
  reclaim: '/api/v1/jobs/batch/reclaim',
  reschedule: '/api/v1/jobs/batch/reschedule',
  shift: '/api/v1/jobs/reschedule',
  priority: '/api/v1/jobs/batch/priority',
  edit: '/api/v1/jobs/batch/edit',
}

const Answer = z.looseObject({ affected: z.number(), operation_id: z.number().optional() })

/** Makes a change, and compares the rows before and after. */
export async function changeBy(world: World, path: string, body: object) {
  const before = await world.rows()
  const answer = await world.confirm(path, body)
  const changed = differences(before, await world.rows())
  return { status: answer.status, body: answer.body, changed, ids: Object.keys(changed).map(Number) }
}

/** The id of the operation of a change that was made. */
export const operationOf = (body: unknown): number => Answer.parse(body).operation_id ?? -1

/** Undoes an operation, and returns the answer. */
export const undoOf = (world: World, operation: number) =>
  world.confirm(`/api/v1/jobs/operations/${operation}/undo`, {})

/** Adds an edge: the job `id` needs the job `needed`. */
export const addEdge = (world: World, id: number | undefined, needed: number | undefined) => world.sql`
  insert into job_dependencies (job_uuid, depends_on_job_uuid)
  select job.uuid, other.uuid
  from jobs job, jobs other
  where job.id = ${id ?? 0}::bigint and other.id = ${needed ?? 0}::bigint`

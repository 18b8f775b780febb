import * as z from 'zod'
import { Count } from './jobs.ts'
import { operation } from './operation.ts'

const Idle = z.object({
  index: z.string(),
  bytes: Count,
  /** `never used since …`, or `covered by …`. */
  why: z.string(),
})
export type Idle = z.output<typeof Idle>

/** Indexes of jobs, made by other programs, that cost each write and serve nothing. */
export const idleIndexes = operation({
  method: 'GET',
  path: '/api/v1/jobs/indexes',
  input: z.strictObject({}),
  output: z.array(Idle),
  changes: () => false,
})

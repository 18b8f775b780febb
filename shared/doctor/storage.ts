import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count } from '../scope.ts'

const Table = z.object({
  table: z.string(),
  /** As the statistics of the database have it. */
  rows: Count,
  /** With its indexes. */
  bytes: Count,
  oldest: z.string().nullable(),
})
export type Table = z.output<typeof Table>

/** What the jobs and their history take up. */
export const storage = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/storage',
  input: z.strictObject({}),
  output: z.object({
    archive_before_delete: z.boolean(),
    /** Columns without which nothing can be put away, where the server's role may not add them to another's table. */
    archive_lacks: z.array(z.string()).default([]),
    archive_days: Count,
    tables: z.array(Table),
  }),
  changes: () => false,
})

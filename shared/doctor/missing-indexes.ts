import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count } from '../scope.ts'

const MissingIndex = z.object({
  index: z.string(),
  table: z.string(),
  /** `missing`; `building`; or `invalid`: a build of it was interrupted. An invalid index costs each write and serves nothing. */
  state: z.string(),
  /** What the index serves, in a sentence or two. */
  serves: z.string(),
  /** Only searches of operators need it: without it they are bounded, and workers are not slower. */
  for_operators: z.boolean(),
  /** The size of the table, which a build reads. */
  table_bytes: Count,
  /** Estimated: how many bytes the index takes; null where its table lacks a column of it, or the server may not read one. */
  bytes_estimate: Count.nullable(),
})
export type MissingIndex = z.output<typeof MissingIndex>

/** `jobs-server indexes build` builds them. */
export const missingIndexes = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/indexes/missing',
  meaning:
    'Indexes that this server needs and the database does not have, with what each serves and what a build would cost.',
  needs: 'read',
  scoped: { refused: 'it measures the whole database' },
  verb: 'upkeep',
  input: z.strictObject({}),
  output: z.array(MissingIndex),
  changes: () => false,
})

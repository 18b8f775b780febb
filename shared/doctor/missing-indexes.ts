import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count } from '../scope.ts'

const MissingIndex = z.object({
  index: z.string(),
  table: z.string(),
  state: z
    .string()
    .describe(
      '`missing`; `building`; `invalid`: a build of it was interrupted, and it costs each write and serves nothing; or `impossible`: the table has partitions by other columns than those of this unique index, and PostgreSQL cannot have it.',
    ),
  serves: z.string().describe('What the index serves, in a sentence or two.'),
  for_operators: z
    .boolean()
    .describe('Only searches of operators need it: without it they are bounded, and workers are not slower.'),
  table_bytes: Count.describe('The size of the table, which a build reads.'),
  bytes_estimate: Count.nullable().describe(
    'Estimated: how many bytes the index takes; null where its table lacks a column of it, or the server may not read one.',
  ),
})
export type MissingIndex = z.output<typeof MissingIndex>

/** What follows where the index of idempotency keys, the one unique index of ours on a table with partitions, cannot be. */
export const withoutUnique = 'no job is enqueued through the API (503), and everything else works'

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

import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant } from '../scope.ts'

const Idle = z.object({
  index: z.string(),
  bytes: Count,
  why: z.string().describe('`never used since …`, or `covered by …`.'),
  unused_since: Instant.nullable()
    .optional()
    .describe(
      'Since when no query has used the index; null where the statistics do not say since when they count, and where it is used.',
    ),
})
export type Idle = z.output<typeof Idle>

export const idleIndexes = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/indexes',
  meaning: 'Indexes of `jobs`, made by other programs, that cost each write and serve nothing.',
  slow: true,
  needs: 'read',
  scoped: { refused: 'it measures the whole database' },
  verb: 'upkeep',
  input: z.strictObject({}),
  output: z.array(Idle),
  changes: () => false,
})

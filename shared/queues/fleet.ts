import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant } from '../scope.ts'
import { totals } from './overview.ts'

export const FleetMember = z.object({
  name: z.string().describe('The name of the server in the file.'),
  url: z.string().describe('Its URL, without a slash at the end; its dashboard is at `/ui/` below it.'),
  why: z
    .string()
    .nullable()
    .describe(
      'Why there are no counts of it, as a clause such as "it did not answer within 2 s"; null where there are.',
    ),
  counts: z
    .object({
      as_of: Instant.describe('When that server counted.'),
      ...totals,
      failing_queues: Count.describe('How many queues fail.'),
    })
    .nullable()
    .describe('The sums over all queues of that server, as its overview has them; null where `why` says the reason.'),
})
export type FleetMember = z.output<typeof FleetMember>

export const fleet = endpoint({
  method: 'GET',
  path: '/api/v1/fleet',
  meaning:
    'The other servers of `JOBS_FLEET_FILE` with their counts, in the order of the file; none without the file. This server asks each of them with the token of the file, for at most 2 s, and keeps the answers for 10 s.',
  needs: 'read',
  scoped: { refused: 'other servers are about all domains' },
  verb: 'always',
  input: z.strictObject({}),
  output: z.object({ servers: z.array(FleetMember).describe('The other servers, at most 200.') }),
  changes: () => false,
})

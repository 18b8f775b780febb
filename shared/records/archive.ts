import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant, Integer, optional, queryNumber, ScopeName, scopeFields, scopeNames } from '../scope.ts'
import { JobId, TypedJobId } from '../work/job.ts'
import { OperationKind, OperationState } from './records.ts'

const isThere = z.boolean()

export const archiveMeta = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/archive/meta',
  meaning: 'Whether an archived job has a payload and a result, as JSON or compressed.',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'records',
  input: z.strictObject({
    job_id: TypedJobId.describe('the id of the archived job'),
    domain: optional(ScopeName).describe('the domain that the job must have'),
  }),
  output: z.object({
    job_id: JobId.describe('The id of the job.'),
    payload_present: isThere.describe('Whether the copy has a payload as JSON.'),
    result_present: isThere.describe('Whether the copy has a result as JSON.'),
    payload_compressed_present: isThere.describe('Whether the copy has a compressed payload, of another program.'),
    result_compressed_present: isThere.describe('Whether the copy has a compressed result, of another program.'),
  }),
  changes: () => false,
})

const string = z.string().nullable()

/** An operation of which the database still has what an undo needs. */
const KeptOperation = z.object({
  operation_id: Integer.describe('The id of the operation.'),
  kind: OperationKind.describe('What the operation did.'),
  state: OperationState.describe('Where the operation stands.'),
  ...scopeNames,
  caller: z.string().describe('The id of the caller who made it.'),
  reason: string.describe('Why it was made; null where no reason was given.'),
  ended_at: Instant.nullable().describe('When it ended; null while it runs.'),
  jobs: Count.describe('The jobs that are kept. An undo leaves out those that have gone on since.'),
  kept_until: Instant.nullable().describe(
    'Until when they are kept, by their term or by a hold over the operation; maintenance deletes them some minutes later.',
  ),
})
export type KeptOperation = z.output<typeof KeptOperation>

const ArchiveRequest = z.strictObject({
  ...scopeFields,
  before_id: queryNumber(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).describe(
    'only operations before this id, to turn the page',
  ),
  limit: queryNumber(1, 1000, 100).describe('the most rows to answer'),
})
export type ArchiveRequest = z.output<typeof ArchiveRequest>

export const listArchive = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/archive/list',
  meaning:
    'What an undo can still give back: the operations whose jobs or row images are kept, how many, and until when. The header `Link` has the next page.',
  slow: true,
  needs: 'records',
  scoped: 'narrowed',
  verb: 'records',
  input: ArchiveRequest,
  output: z.array(KeptOperation),
  changes: () => false,
})

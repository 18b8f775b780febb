import * as z from 'zod'
import { bulkKinds } from '../changes/kinds.ts'
import { endpoint, type Scoped } from '../endpoint.ts'
import { Count, Instant, Integer, optional, queryNumber, scopeFields, scopeNames, Time } from '../scope.ts'
import { PathId, words } from '../work/job.ts'
import { actKinds } from './acts.ts'

/** The seals of records are not told to callers with a scope, record by record or as a whole. */
export const refusedChain: Scoped = { refused: 'the seals of all records are one chain over all domains' }

/** `partial` stopped half-way: its finished batches are committed. `failed` changed nothing. */
const states = ['running', 'done', 'partial', 'failed', 'undone'] as const

const time = Instant.nullable()

/** What an operation does, in an answer. A reader takes any text, since a later version may have further kinds: the documents name today's. */
export const OperationKind = z.string().meta({ enum: [...bulkKinds, ...actKinds] })

/** The state of an operation, in the same way. */
export const OperationState = z.string().meta({ enum: [...states] })

/** The record of a bulk change, or of an act of an operator: what was changed, by which caller, and why. */
export const OperationRecord = z.object({
  id: Integer.describe('The id of the operation.'),
  kind: OperationKind.describe('What the operation does.'),
  state: OperationState.describe('Where the operation stands.'),
  ...scopeNames,
  filters: z
    .unknown()
    .describe(
      'The request after validation, with its defaults; of an act what was done, and the `address` of the caller.',
    ),
  as_of: Instant.describe('The reference time of its filters.'),
  caller: z.string().describe('The id of the caller who made it.'),
  reason: z.string().nullable().describe('Why it was made; null where no reason was given.'),
  request_id: z.string().nullable().describe('The request that began it; null where a server began it.'),
  idempotency_key: z.string().nullable().describe('The `Idempotency-Key` of the request; null without one.'),
  previewed: Count.nullable().describe(
    'The count of the preview that the change was bound to; null without a preview.',
  ),
  affected: Count.describe('How many jobs it changed.'),
  skipped: Count.nullable().describe(
    '`previewed` less `affected`, whatever the reason; the next three fields tell the reasons apart.',
  ),
  not_reached: Count.nullish().describe(
    'Jobs of the preview that a change which stopped did not get to; they are as they were. Servers up to version 0.2.0 send none of the next five fields.',
  ),
  left_for_later: Count.nullish().describe(
    'Jobs of the preview that wait for the second part of a change with a limit.',
  ),
  skipped_by_others: Count.nullish().describe(
    'Jobs of the preview that others had changed or held. Null where the change stopped: nobody has looked at all of them.',
  ),
  missing_count: Count.nullish().describe(
    'Of the ids that the request names: how many no job has, and how many of the jobs the change does not take.',
  ),
  not_taken_count: Count.nullish().describe('How many of the jobs that the request names the change does not take.'),
  skipped_locked: Count.describe('Jobs that were not changed because other transactions held them.'),
  batches: Count.describe('How many transactions it took.'),
  counts: z.record(z.string(), Integer).describe('The counts of its answer, by their names.'),
  error: z.string().nullable().describe('Why the operation is partial or failed.'),
  started_at: Instant.describe('When it began.'),
  ended_at: time.describe('When it ended; null while it runs.'),
  undoes: Integer.nullable().describe(
    'The operation that this one undoes, and the last operation that undid this one, or a part of it.',
  ),
  undone_by: Integer.nullable().describe(
    'The last operation that undid this one, or a part of it; null where none did.',
  ),
  undos: z
    .array(Integer)
    .optional()
    .describe(
      'All undos that gave back jobs of this operation, in their order. Servers of version 0.1.0 do not send it.',
    ),
  no_way_back: z
    .string()
    .nullish()
    .describe(
      'Why no undo can give its jobs back, as a clause; null where one may. Servers of version 0.1.0 do not send it.',
    ),
  hash: z.string().nullable().describe('The hash of the record and of the hash before it.'),
  server: z
    .string()
    .nullish()
    .describe(
      'The server that runs a change without its caller, as host name and process id; null where the change has ended or has a caller, and while no server runs it. Servers of version 0.1.0 do not send it.',
    ),
})
export type OperationRecord = z.output<typeof OperationRecord>

const listedKinds = [...bulkKinds, ...actKinds, 'changes', 'acts'] as const

export const listOperations = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations',
  meaning: 'The records of bulk changes and of the other acts of operators and admins, the newest first.',
  needs: 'records',
  scoped: 'narrowed',
  verb: 'records',
  input: z.strictObject({
    ...scopeFields,
    kind: optional(z.enum(listedKinds, `must be one of ${listedKinds.join(', ')}`)).describe(
      'only records of this kind; `changes` are all bulk changes, and `acts` all other ones',
    ),
    state: optional(z.enum(states, `must be one of ${states.join(', ')}`)).describe('only operations in this state'),
    caller: optional(words(256)).describe('only operations of this caller'),
    since: optional(Time).describe('only operations that began at this time or later'),
    before_id: queryNumber(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER).describe(
      'only operations before this id, to turn the page',
    ),
    limit: queryNumber(1, 1000, 50).describe('the most rows to answer'),
  }),
  output: z.array(OperationRecord),
  changes: () => false,
})

export const getOperation = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/:id',
  meaning: 'One record, and what has become of its jobs (`now`).',
  needs: 'records',
  scoped: 'narrowed',
  verb: 'records',
  ofOperation: true,
  input: z.strictObject({ id: PathId.describe('the id of the operation') }),
  output: OperationRecord.extend({
    now: z
      .record(z.string(), Count)
      .describe(
        'The states of its jobs now, with the number of jobs in each; `gone` for jobs that do not exist any more.',
      ),
  }),
  changes: () => false,
})

const Day = z.object({
  day: z.string().describe('The day, in UTC, such as `2026-11-30`.'),
  operations: Count.describe('How many records the day has.'),
  broken: z
    .array(Integer)
    .describe('Ids of records whose hash does not fit the record, or the hash of the record before it.'),
  missing: Count.describe('The number of records that are missing.'),
})
export type Day = z.output<typeof Day>

/** A hash of the chain: SHA-256 in hexadecimal digits. */
const Hash = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{64}$/, 'must be a hash of 64 hexadecimal digits')

export const verifyOperations = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/verify',
  meaning: 'Checks the hash chain of the records, day by day.',
  slow: true,
  needs: 'records',
  scoped: refusedChain,
  verb: 'records',
  input: z.strictObject({
    expect: optional(Hash).describe('the hash of a record, kept elsewhere, which the chain must still contain'),
  }),
  output: z.object({
    ok: z
      .boolean()
      .describe('Every record is as it was sealed, none is missing, and the chain contains the hash of `expect`.'),
    operations: Count.describe('How many records were checked.'),
    days: z.array(Day).describe('The days that have records, the oldest first.'),
    head: z
      .string()
      .nullish()
      .describe('The last hash; null for an empty chain. Servers of version 0.1.0 do not send it.'),
    without_event: Count.optional().describe(
      'How many records the chain alone speaks for, since the events of their seals are deleted.',
    ),
    events_since: Instant.nullish().describe(
      'The end of the first record from which on each is compared with its event; null where none is.',
    ),
    not_sealed: z
      .array(z.string())
      .optional()
      .describe('What the chain does not speak for, as sentences; absent from servers before 0.3.0.'),
    expected: z
      .boolean()
      .optional()
      .describe('Whether the chain contains the hash of `expect`; absent without `expect`.'),
  }),
  changes: () => false,
})
export type Verified = z.output<typeof verifyOperations.output>

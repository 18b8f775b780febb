import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Integer, optional, queryNumber, Time } from '../scope.ts'
import { refusedChain } from './records.ts'

/** A sealed record, as somebody without the database can verify it. */
const SealedRecord = z.object({
  id: Integer,
  kind: z.string(),
  day: z.string().describe('The day of its chain, and its place in it.'),
  number: Integer,
  previous: z
    .string()
    .nullable()
    .describe('The hash before it; null where the record before it is missing, and empty for the first record of all.'),
  sealed: z
    .string()
    .nullable()
    .describe(
      'The text under the seal, a JSON list; `hash` is SHA-256 over `previous` and this text, in UTF-8. Null where a part of it is hidden from the caller: the record is then linked in the chain, and cannot be verified by itself.',
    ),
  hash: z.string(),
})
export type SealedRecord = z.output<typeof SealedRecord>

export const exportOperations = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/export',
  meaning:
    'Sealed records in the order of the chain, without a gap, for somebody who verifies them without the database. The last page is empty.',
  slow: true,
  needs: 'records',
  scoped: refusedChain,
  verb: 'records',
  input: z.strictObject({
    since: optional(Time).describe('from the first record on that ended at this time or later'),
    until: optional(Time).describe('to the last record that ended before this time'),
    after_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0).describe('only records after this one, for the next page'),
    limit: queryNumber(1, 1000, 200).describe('the most rows to answer'),
  }),
  output: z
    .array(SealedRecord)
    .describe('Also fewer than `limit` where the records are large; the last page is empty.'),
  changes: () => false,
  readAt: () => 'replica',
})

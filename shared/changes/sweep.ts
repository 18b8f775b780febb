import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import type { Verb } from '../engine/verbs.ts'
import { Count, optional, scopeFields, wholeNumber } from '../scope.ts'
import { bulkAnswer, bulkFields, kept_by_hold } from './bulk-change.ts'
import { documentsOfIds, fieldsBesideScope, prepareFilter } from './filtered-change.ts'
import { refusedAnswer } from './refused.ts'

export const sweepActions = ['cancel', 'fail'] as const

const Sweep = z
  .strictObject({
    age_seconds: optional(wholeNumber(1)).describe('queued jobs that were created at least this long ago'),
    runtime_seconds: optional(wholeNumber(1)).describe('processing jobs that were picked up at least this long ago'),
    action: z
      .enum(sweepActions, 'must be cancel or fail')
      .default('cancel')
      .describe('the state in which the jobs end'),
    ...scopeFields,
    ...fieldsBesideScope,
    ...bulkFields,
  })
  .refine((request) => request.age_seconds !== undefined || request.runtime_seconds !== undefined, {
    path: ['age_seconds'],
    message: 'give age_seconds, runtime_seconds or both',
  })
export const SweepRequest = z.preprocess(prepareFilter, Sweep)
export type SweepRequest = z.output<typeof SweepRequest>

/** What a sweep asks of the engine, by its limits and by what becomes of the jobs. */
export const askedOfSweep = ({
  age_seconds,
  runtime_seconds,
  action,
}: Pick<SweepRequest, 'age_seconds' | 'runtime_seconds' | 'action'>): readonly Verb[] => [
  ...(age_seconds === undefined ? [] : ['sweep_queued' as const]),
  ...(runtime_seconds === undefined ? [] : ['sweep_running' as const]),
  ...(action === 'fail' ? ['sweep_fail' as const] : []),
]

export const sweep = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/ttl/sweep',
  meaning:
    'Ends queued jobs that are too old, and processing jobs that run for too long. One of the two limits is needed.',
  needs: 'change',
  scoped: 'narrowed',
  verb: askedOfSweep,
  input: SweepRequest,
  output: z.object({
    affected: Count.describe('How many jobs were ended, or would be in a dry run.'),
    kept_by_hold,
    ...refusedAnswer,
    ...bulkAnswer,
  }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})

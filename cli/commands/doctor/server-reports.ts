import type { EventLogPart } from '../../../shared/doctor/storage.ts'
import type { Context } from '../../context.ts'
import { type Check, judgedAnswer, type Outcome } from './outcome.ts'

/** Reports that only jobs-server gives about its database: its state, counts, indexes, sizes. */
export const serverReports: readonly Check[] = [
  { name: 'state', look: state },
  { name: 'counts', look: counts },
  { name: 'indexes', look: indexes },
  { name: 'missing', look: missing },
  { name: 'rights', look: rights },
  { name: 'events', look: (context) => storedEvents(context, 'steps') },
  { name: 'audit', look: (context) => storedEvents(context, 'audit') },
  { name: 'readers', look: readers },
  { name: 'history', look: storedHistory },
  { name: 'policy', look: policy },
]

async function state(context: Context): Promise<Outcome> {
  const { storage } = await import('../../../shared/doctor/storage.ts')
  const { findingOfState } = await import('./state.ts')
  return judgedAnswer(context, storage, findingOfState)
}

async function counts(context: Context): Promise<Outcome> {
  const { checkCounts } = await import('../../../shared/doctor/counts.ts')
  const { findingOfCounts } = await import('./counts-and-indexes.ts')
  return judgedAnswer(context, checkCounts, findingOfCounts)
}

async function indexes(context: Context): Promise<Outcome> {
  const { idleIndexes } = await import('../../../shared/doctor/idle-indexes.ts')
  const { findingOfIndexes } = await import('./counts-and-indexes.ts')
  return judgedAnswer(context, idleIndexes, (idle) => findingOfIndexes(idle, Date.now()))
}

async function missing(context: Context): Promise<Outcome> {
  const { missingIndexes } = await import('../../../shared/doctor/missing-indexes.ts')
  const { findingOfMissing } = await import('./counts-and-indexes.ts')
  return judgedAnswer(context, missingIndexes, findingOfMissing)
}

async function rights(context: Context): Promise<Outcome> {
  const { storage } = await import('../../../shared/doctor/storage.ts')
  const { findingOfRights } = await import('./rights.ts')
  return judgedAnswer(context, storage, findingOfRights)
}

async function storedEvents(context: Context, kind: EventLogPart['kind']): Promise<Outcome> {
  const { storage } = await import('../../../shared/doctor/storage.ts')
  const { findingOfEvents } = await import('./event-log.ts')
  return judgedAnswer(context, storage, (stored) => findingOfEvents(stored, { kind, now: Date.now() }))
}

async function readers(context: Context): Promise<Outcome> {
  const { listEventCursors } = await import('../../../shared/records/event-cursors.ts')
  const { findingOfReaders } = await import('./event-readers.ts')
  return judgedAnswer(context, listEventCursors, (cursors) => findingOfReaders(cursors, Date.now()))
}

async function storedHistory(context: Context): Promise<Outcome> {
  const { storage } = await import('../../../shared/doctor/storage.ts')
  const { findingOfStorage } = await import('./storage.ts')
  return judgedAnswer(context, storage, (stored) => findingOfStorage(stored, Date.now()))
}

async function policy(context: Context): Promise<Outcome> {
  const { showPolicy } = await import('../../../shared/policy/policy.ts')
  const { findingOfPolicy } = await import('./policy.ts')
  return judgedAnswer(context, showPolicy, (found) => findingOfPolicy(found, Date.now()))
}

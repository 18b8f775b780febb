import { checkCounts } from '../../../shared/doctor/counts.ts'
import {
  findingOfCounts,
  findingOfIndexes,
  findingOfMissing,
} from '../../../shared/doctor/findings/counts-and-indexes.ts'
import { findingOfEvents } from '../../../shared/doctor/findings/event-log.ts'
import { findingOfReaders } from '../../../shared/doctor/findings/event-readers.ts'
import { findingOfPolicy } from '../../../shared/doctor/findings/policy.ts'
import { findingOfReplica } from '../../../shared/doctor/findings/replica.ts'
import { findingOfRights } from '../../../shared/doctor/findings/rights.ts'
import { findingOfState } from '../../../shared/doctor/findings/state.ts'
import { findingOfStorage } from '../../../shared/doctor/findings/storage.ts'
import { idleIndexes } from '../../../shared/doctor/idle-indexes.ts'
import { missingIndexes } from '../../../shared/doctor/missing-indexes.ts'
import { type EventLogPart, storage } from '../../../shared/doctor/storage.ts'
import { showPolicy } from '../../../shared/policy/policy.ts'
import { listEventCursors } from '../../../shared/records/event-cursors.ts'
import { type Check, judgedAnswer } from './outcome.ts'

/** Reports that only jobs-server gives about its database: its state, counts, indexes, sizes. */
export const serverReports: readonly Check[] = [
  { name: 'state', look: judgedAnswer(storage, findingOfState) },
  { name: 'counts', look: judgedAnswer(checkCounts, findingOfCounts) },
  { name: 'indexes', look: judgedAnswer(idleIndexes, (idle) => findingOfIndexes(idle, Date.now())) },
  { name: 'missing', look: judgedAnswer(missingIndexes, findingOfMissing) },
  { name: 'rights', look: judgedAnswer(storage, findingOfRights) },
  { name: 'events', look: storedEvents('steps') },
  { name: 'audit', look: storedEvents('audit') },
  { name: 'readers', look: judgedAnswer(listEventCursors, (cursors) => findingOfReaders(cursors, Date.now())) },
  { name: 'history', look: judgedAnswer(storage, (stored) => findingOfStorage(stored, Date.now())) },
  { name: 'replica', look: judgedAnswer(storage, findingOfReplica) },
  { name: 'policy', look: judgedAnswer(showPolicy, (found) => findingOfPolicy(found, Date.now())) },
]

function storedEvents(kind: EventLogPart['kind']): Check['look'] {
  return judgedAnswer(storage, (stored) => findingOfEvents(stored, { kind, now: Date.now() }))
}

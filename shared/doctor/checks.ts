import type { z } from 'zod'
import type { EventCursor } from '../records/event-cursors.ts'
import type { checkCounts } from './counts.ts'
import { findingOfCounts, findingOfIndexes, findingOfMissing } from './findings/counts-and-indexes.ts'
import { findingOfEvents } from './findings/event-log.ts'
import { findingOfReaders } from './findings/event-readers.ts'
import type { Finding } from './findings/finding.ts'
import { findingOfPolicy, type ToldPolicy } from './findings/policy.ts'
import { findingOfReplica } from './findings/replica.ts'
import { findingOfRights } from './findings/rights.ts'
import { findingOfState } from './findings/state.ts'
import { findingOfStorage } from './findings/storage.ts'
import type { Idle } from './idle-indexes.ts'
import type { MissingIndex } from './missing-indexes.ts'
import type { storage } from './storage.ts'

/** The reports of a server that doctor judges, each the answer of one endpoint. */
export interface Reports {
  database: z.output<typeof storage.output>
  counts: z.output<typeof checkCounts.output>
  idle_indexes: readonly Idle[]
  missing_indexes: readonly MissingIndex[]
  event_cursors: readonly EventCursor[]
  policy: ToldPolicy
}

/** One check: what it is called, which report it reads, and what it finds there. `now` is in milliseconds. */
export interface ReportCheck<Of extends keyof Reports> {
  name: string
  of: Of
  judge: (report: Reports[Of], now: number) => Finding
}

/** The checks of the reports, in the order in which doctor prints them, each made into what the caller needs. */
export const reportChecks = <Made>(make: <Of extends keyof Reports>(check: ReportCheck<Of>) => Made): Made[] => [
  make({ name: 'state', of: 'database', judge: findingOfState }),
  make({ name: 'counts', of: 'counts', judge: findingOfCounts }),
  make({ name: 'indexes', of: 'idle_indexes', judge: findingOfIndexes }),
  make({ name: 'missing', of: 'missing_indexes', judge: findingOfMissing }),
  make({ name: 'rights', of: 'database', judge: findingOfRights }),
  make({ name: 'events', of: 'database', judge: (stored, now) => findingOfEvents(stored, { kind: 'steps', now }) }),
  make({ name: 'audit', of: 'database', judge: (stored, now) => findingOfEvents(stored, { kind: 'audit', now }) }),
  make({ name: 'readers', of: 'event_cursors', judge: findingOfReaders }),
  make({ name: 'history', of: 'database', judge: findingOfStorage }),
  make({ name: 'replica', of: 'database', judge: findingOfReplica }),
  make({ name: 'policy', of: 'policy', judge: findingOfPolicy }),
]

import type { Call, ServerContext } from '../../../server/call.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { ownAbilities } from '../../../server/engines/abilities.ts'
import { createSharedInsert } from '../../../server/lifecycle/insert/shared-insert.ts'
import { createSharedLease } from '../../../server/lifecycle/lease/shared-lease.ts'
import { createSharedComplete } from '../../../server/lifecycle/settle/shared-complete.ts'
import { createCancelWatch } from '../../../server/waiting/cancel-watch.ts'
import { createEventWatermark } from '../../../server/waiting/event-watermark.ts'
import { createKnownEmpty } from '../../../server/waiting/known-empty.ts'
import { createLongPolls } from '../../../server/waiting/long-poll.ts'
import { createSingleFlight } from '../../../server/waiting/single-flight.ts'
import { createSlowReads } from '../../../server/waiting/slow-reads.ts'
import { allRights } from '../../../shared/access/rights.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
const signal = new AbortController().signal

/** What a server gives to calls on this database, with the settings of one that nobody has set up. */
export const serverWith = (sql: Pool): ServerContext => ({
  admitChange: async () => {},
  sql,
  workerSql: sql,
  operatorSql: sql,
  quarantineThreshold: 3,
  leaseMaxSeconds: 3600,
  maxBodyBytes: 1_048_576,
  maxJsonBytes: 1_048_576,
  requireCompletionToken: false,
  longPolls: createLongPolls(),
  cancelWatch: createCancelWatch(sql),
  eventWatermark: createEventWatermark(sql, log),
  knownEmpty: createKnownEmpty(),
  slowReads: createSlowReads({ most: 1 }),
  singleFlight: createSingleFlight(),
  replica: undefined,
  fleet: undefined,
  standby: { isOn: () => false, asOf: async () => undefined },
  sharedComplete: createSharedComplete(sql),
  sharedLease: createSharedLease(sql),
  sharedInsert: createSharedInsert(sql),
  workerSightings: { asked: () => {} },
  abilities: () => ownAbilities,
  over: () => ({ sql, workerSql: sql, operatorSql: sql, abilities: () => ownAbilities }),
  archiveBeforeDelete: true,
  archiveDays: 30,
  approvalAbove: undefined,
  planHours: 72,
  pressureLimits: { lagSeconds: undefined, walBytes: undefined, archiveBytes: undefined },
  lockTimeoutMs: 1000,
  localOperations: new Set(),
  detachedRuns: new Set(),
  callTimeoutMs: 60_000,
  log,
  meter: undefined,
  stopping: signal,
  authMode: 'single_user',
  background: true,
  databaseAddress: { instance: null, folder: null },
  editPaths: [],
  viewerFields: [],
  agentFields: new Set(),
  redactor: { fields: (fields) => fields, text: (text) => text },
})

/** A call of an operator who may do everything. */
export const callWith = (sql: Pool): Call => ({
  ...serverWith(sql),
  caller: 'operator',
  identity: { name: 'operator', role: 'admin', principal: 'operator' },
  may: new Set(allRights),
  within: undefined,
  leaseOwner: undefined,
  session: undefined,
  formerCaller: undefined,
  emergency: false,
  requestId: 'request',
  traceId: undefined,
  traceparent: undefined,
  address: '10.0.0.1',
  recheckCredentials: async () => {},
  reason: undefined,
  idempotencyKey: undefined,
  detach: undefined,
  disconnected: () => signal,
  reportProgress: () => {},
  addHeader: () => {},
  reportChangedRows: () => {},
})

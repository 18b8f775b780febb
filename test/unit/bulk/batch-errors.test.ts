import { describe, expect, it } from 'vitest'
import { decideAfterError, type ErrorDecision } from '../../../server/bulk/batches/batch-errors.ts'
import { RangeOutgrown, RowsKept } from '../../../server/bulk/change/selection.ts'
import { Failure } from '../../../shared/errors.ts'

const postgresError = (code: string, where?: string) => Object.assign(new Error(`error ${code}`), { code, where })

const rowLock = postgresError('55P03', 'while locking tuple (0,1) in relation "jobs"')
const tableLock = postgresError('55P03')
const deadlock = postgresError('40P01')
const statementTimeout = postgresError('57014')
const foreignKey = postgresError('23503')
const connectionLost = postgresError('CONNECTION_CLOSED')
const closedRecord = new Failure('conflict', 'another server closed the record')
const outgrown = new RangeOutgrown()
const kept = new RowsKept(new Failure('conflict', 'app.jobs keeps a job as it is'))
const bug = new TypeError('x is not a function')

const stop: ErrorDecision = { action: 'stop' }
const smaller: ErrorDecision = { action: 'retry', pause: false }
const later: ErrorDecision = { action: 'retry', pause: true }
const skip: ErrorDecision = { action: 'skip' }
const reject: ErrorDecision = { action: 'skip', rejection: 'error 23503' }
const taken: ErrorDecision = { action: 'skip', rejection: 'another job has its place in the queue' }

interface Row {
  name: string
  error: unknown
  /** The decisions for a batch of many jobs, for a batch of one job, and for a search that failed. */
  many: ErrorDecision
  one: ErrorDecision
  search: ErrorDecision
}

const table: Row[] = [
  { name: 'a locked row', error: rowLock, many: later, one: skip, search: later },
  { name: 'a locked table', error: tableLock, many: later, one: later, search: later },
  { name: 'a deadlock', error: deadlock, many: later, one: later, search: later },
  { name: 'a statement timeout', error: statementTimeout, many: later, one: later, search: later },
  { name: 'a job that its table keeps', error: kept, many: smaller, one: smaller, search: smaller },
  { name: 'a rejected job', error: foreignKey, many: smaller, one: reject, search: stop },
  { name: 'a taken place', error: postgresError('23505'), many: smaller, one: taken, search: stop },
  { name: 'an outgrown range', error: outgrown, many: smaller, one: smaller, search: smaller },
  { name: 'a lost connection', error: connectionLost, many: stop, one: stop, search: stop },
  { name: 'a closed record', error: closedRecord, many: stop, one: stop, search: stop },
  { name: 'a bug', error: bug, many: stop, one: stop, search: stop },
]

describe('the decision after an error in a batch', () => {
  it.each(table)('$name', ({ error, many, one, search }) => {
    const decide = (jobs: number | undefined) => decideAfterError(error, { jobs, reportsRejected: true, failures: 1 })
    expect({ many: decide(512), one: decide(1), search: decide(undefined) }).toEqual({ many, one, search })
  })

  it('stops on a rejected job where the change does not report rejected jobs', () => {
    for (const jobs of [512, 1])
      expect(decideAfterError(foreignKey, { jobs, reportsRejected: false, failures: 1 })).toEqual(stop)
  })

  it('stops after eight lock conflicts in a row, and never because of one locked job', () => {
    const decide = (error: unknown, jobs: number, failures: number) =>
      decideAfterError(error, { jobs, reportsRejected: true, failures })
    expect(decide(tableLock, 512, 8)).toEqual(later)
    expect(decide(tableLock, 512, 9)).toEqual(stop)
    expect(decide(rowLock, 1, 9)).toEqual(skip)
    expect(decide(foreignKey, 512, 9)).toEqual(smaller)
  })
})

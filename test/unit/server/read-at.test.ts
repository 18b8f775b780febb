import { expect, it } from 'vitest'
import { readAtEither } from '../../../server/http/request/read-at.ts'
import { until } from '../../support/poll.ts'

const seen = { asOf: '2026-01-01T00:00:00.000Z', why: null, lag: 0, primaryNow: () => '2026-01-01T00:00:01.000Z' }

type Read = (addHeader: (name: string, value: string) => void) => Promise<string>

/** Reads at two servers of which each has its own read; the replica hangs from the second look on, where it is told to. */
async function readAt(reads: { primary: Read; replica: Read }, hangs = false) {
  const added: Record<string, string> = {}
  let looks = 0
  const look = async () => (hangs && looks++ > 0 ? { ...seen, asOf: undefined, hangs: true } : seen)
  const at = (read: Read) => ({ read, replica: { look } })
  const addHeader = (name: string, value: string) => {
    added[name] = value
  }
  const answer = await readAtEither(
    { primary: at(reads.primary), replica: at(reads.replica), addHeader },
    ({ read }, addHeader) => read(addHeader),
  )
  return { answer, added }
}

const found: Read = async (addHeader) => {
  addHeader('X-Scanned', '1')
  return 'found'
}

it('an answer of the replica has the headers of its read', async () => {
  const { answer, added } = await readAt({ replica: found, primary: () => Promise.reject(new Error('not asked')) })
  expect([answer, added]).toEqual(['found', { 'X-Scanned': '1', 'X-Read-From': 'replica', 'X-As-Of': seen.asOf }])
})

it.each(['fails', 'hangs'])('an answer of the primary has no header of a read that %s at the replica', async (how) => {
  let isGivenUp = false
  let hasAdded = false
  const replica: Read = async (addHeader) => {
    if (how === 'fails') addHeader('X-Missing-Index', 'one')
    if (how === 'fails') throw new Error('the connection is lost')
    await until('it is given up', () => isGivenUp)
    addHeader('X-Missing-Index', 'one')
    hasAdded = true
    return 'late'
  }
  const primary: Read = async (addHeader) => {
    isGivenUp = true
    if (how === 'hangs') await until('the read that was given up ends', () => hasAdded)
    return found(addHeader)
  }
  const { answer, added } = await readAt({ replica, primary }, how === 'hangs')
  expect([answer, added]).toEqual([
    'found',
    { 'X-Scanned': '1', 'X-Read-From': 'primary', 'X-As-Of': '2026-01-01T00:00:01.000Z' },
  ])
})

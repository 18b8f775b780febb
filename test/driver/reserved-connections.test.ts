import {
  beginInPipeline,
  describedAtRest,
  lostReservations,
  lostTransactions,
  rejectedReservations,
  waitingReservations,
} from '../../scripts/build/driver/reserved-connections.ts'
import { reproduces } from './reproduces.ts'
import { echo } from './scripted-postgres.ts'

reproduces(
  beginInPipeline,
  'a transaction that begins as statement 101 of a pipeline commits',
  async ({ connect, outcome }) => {
    const sql = connect()
    await sql`opens`
    const before = Array.from({ length: 100 }, () => sql`before`.execute())
    const begun = outcome(sql.begin((tx) => tx`inside`))
    await Promise.all(before)
    return begun
  },
  ['inside'],
)

reproduces(
  lostTransactions,
  'a transaction ends with its session',
  async ({ server, connect, outcome, seen }) => {
    const sql = connect()
    const begun = sql.begin(async (tx) => {
      await tx`one`
      server.sessions[0]?.end()
      // The pool has another session.
      await seen(() =>
        sql`look`.then(
          () => server.sessions.length > 1,
          () => false,
        ),
      )
      await tx`two`
    })
    const how = await outcome(begun)
    await outcome(sql`last`)
    return [how, server.sessions[1]?.ran.filter((text) => text === 'two')]
  },
  ['CONNECTION_CLOSED', []],
)

reproduces(
  lostReservations,
  'a reserved session sends nothing in another session, and gives back its own alone',
  async ({ server, connect, outcome, seen }) => {
    const sql = connect()
    await sql`opens`
    const reserved = await sql.reserve()
    await reserved`one`
    server.sessions[0]?.end()
    await seen(() =>
      sql`look`.then(
        () => server.sessions.length > 1,
        () => false,
      ),
    )
    const two = await outcome(reserved`two`)
    reserved.release()
    return [two, await outcome(sql`last`), server.sessions[1]?.ran.includes('two')]
  },
  ['CONNECTION_CLOSED, unsent', ['last'], false],
)

reproduces(
  rejectedReservations,
  'a caller of reserve that was rejected takes no session later',
  async ({ server, connect, outcome }) => {
    const sql = connect()
    server.refuse(true)
    const rejected = await outcome(sql.reserve())
    server.refuse(false)
    return [rejected, await outcome(sql`one`), await outcome(sql`two`)]
  },
  ['CONNECTION_CLOSED, unsent', ['one'], ['two']],
)

reproduces(
  waitingReservations,
  'a caller of reserve that waits while a connection is renewed gets the next session',
  async ({ server, connect, outcome, seen }) => {
    server.answer((statement) => (statement.text.includes('pg_type') ? { rows: [] } : echo(statement)))
    const sql = connect({ fetch_types: true })
    await sql`opens`
    const held = new Promise<undefined>(() => {})
    server.answer((statement) => (statement.text.includes('pg_type') ? { rows: [] } : held))
    const lost = outcome(sql`lost ${'with'}`)
    await seen(() => server.sessions[0]?.ran.includes('lost $1'))
    const reserved = outcome(sql.reserve().then(() => 'reserved'))
    server.sessions[0]?.end()
    return [await lost, await reserved]
  },
  ['CONNECTION_CLOSED', 'reserved'],
)

reproduces(
  describedAtRest,
  'a transaction is at rest while its session waits for the rest of a statement, and statements that fail there fail alone',
  async ({ server, connect, outcome }) => {
    const sql = connect()
    await sql`opens`
    const [session] = server.sessions
    const before = session?.heard.length
    const begun = await outcome(sql.begin((tx) => tx`select ${'one'}`))
    const heard = session?.heard.slice(before).join('')
    const unknown = await outcome(sql.begin((tx) => tx`unknown ${'two'}`))
    const unwritable = await outcome(sql.begin((tx) => tx`odd ${sql.typed(unwritableValue, 0)}`))
    return [begun, heard, unknown, unwritable, await outcome(sql.begin((tx) => tx`select ${'three'} again`))]
  },
  [['one'], 'QPDSBESPDBES', '42P01', 'Error: unwritable', ['three']],
)

/** The driver fails when it writes this value, which is after PostgreSQL has described the statement. */
const unwritableValue = {
  toString() {
    throw new Error('unwritable')
  },
}

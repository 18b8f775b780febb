import { Duplex } from 'node:stream'
import {
  queriesOfLostConnections,
  sentAgain,
  startUpRejections,
  unsentData,
  unsentErrors,
} from '../../scripts/build/driver/lost-connections.ts'
import { reproduces } from './reproduces.ts'
import { echo, serve } from './scripted-postgres.ts'

reproduces(
  queriesOfLostConnections,
  'a query that is sent when another one has lost the connection is answered by the next session',
  async ({ server, connect, outcome }) => {
    const sql = connect()
    server.answer((statement) => {
      if (statement.text !== 'lost') return echo(statement)
      statement.session.reset()
      return undefined
    })
    await sql`opens`
    return outcome(sql`lost`.catch(() => sql`next`))
  },
  ['next'],
)

reproduces(
  sentAgain,
  'a query that a session did not run before PostgreSQL ended it is answered by the next session',
  async ({ server, connect, outcome }) => {
    const sql = connect()
    await sql`opens`
    const [session] = server.sessions
    session?.end({ code: '57P01', routine: 'ProcessInterrupts' })
    return outcome(sql`next`)
  },
  ['next'],
)

reproduces(
  unsentErrors,
  'errors say that a query was never sent',
  async ({ server, connect, outcome, seen }) => {
    server.refuse(true)
    const refused = await outcome(connect()`refused`)
    server.refuse(false)
    const sql = connect()
    await sql`opens`
    server.answer(() => new Promise(() => {}))
    const reserved = await sql.reserve()
    const sent = outcome(reserved`sent`)
    const waiting = outcome(sql`waits`)
    await seen(() => server.sessions[0]?.ran.includes('sent'))
    await sql.end({ timeout: 0 })
    return [refused, await sent, await waiting]
  },
  ['CONNECTION_CLOSED, unsent', 'CONNECTION_DESTROYED', 'CONNECTION_DESTROYED, unsent'],
)

reproduces(
  unsentData,
  'a session starts without data that the previous one has not sent',
  async ({ connect, outcome }) => {
    let current: Duplex | undefined
    const socket = () => {
      const [near, far] = pair()
      serve(far, echo)
      current = near
      return near
    }
    const sql = connect({ socket })
    await sql`opens`
    const lost = outcome(sql`lost`)
    await Promise.resolve()
    await Promise.resolve()
    current?.destroy()
    return [await lost, await outcome(sql`next`)]
  },
  ['CONNECTION_CLOSED', ['next']],
)

/** Two ends of a connection. */
function pair(): [Duplex, Duplex] {
  const ends: Duplex[] = [0, 1].map(
    (at) =>
      new Duplex({
        read() {},
        write(chunk, _, done) {
          ends[1 - at]?.push(chunk)
          done()
        },
        final(done) {
          ends[1 - at]?.push(null)
          done()
        },
      }),
  )
  const [near, far] = ends
  if (!near || !far) throw new Error('there are two ends')
  return [near, far]
}

const ending = async ({ session }: { session: { stream: Duplex } }) => void session.stream.destroy()

reproduces(
  startUpRejections,
  'a connection that is lost while it reads types is no unhandled rejection',
  async ({ server, connect, outcome }) => {
    server.answer((statement) => (statement.text.includes('pg_type') ? ending(statement) : echo(statement)))
    return outcome(connect({ fetch_types: true })`waits`)
  },
  'CONNECTION_CLOSED, unsent',
)

reproduces(
  startUpRejections,
  'a connection that is lost while it reads the state of its host is no unhandled rejection',
  async ({ server, connect, outcome }) => {
    server.forgetState()
    server.answer((statement) => (statement.text.includes('show') ? ending(statement) : echo(statement)))
    return outcome(connect({ target_session_attrs: 'primary' })`waits`)
  },
  'CONNECTION_CLOSED, unsent',
)

import { connect as connectTo, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { dialled } from '../../scripts/build/driver/dialled.ts'
import { meter } from '../../scripts/build/driver/meter.ts'
import { opening } from '../../scripts/build/driver/opening.ts'
import { pipelines } from '../../scripts/build/driver/pipelines.ts'
import { reproduces } from './reproduces.ts'
import { echo } from './scripted-postgres.ts'

reproduces(
  pipelines,
  'a statement waits for the first connection that is free, and not behind one that has waited for a while',
  async ({ server, connect, outcome, seen }) => {
    const sql = connect({ max: 2 })
    await Promise.all([sql`opens`, sql`opens`])
    let free = () => {}
    server.answer((statement) => {
      if (statement.text === 'stuck') return new Promise(() => {})
      if (statement.text !== 'held') return echo(statement)
      return new Promise((resolve) => {
        free = () => resolve(echo(statement))
      })
    })
    const stuck = outcome(sql`stuck`)
    // For longer than a statement that others may be sent behind.
    await wait(50)
    const held = sql`held`.execute()
    const next = outcome(sql`next`)
    await seen(() => server.sessions.some(({ ran }) => ran.includes('held')))
    free()
    await held
    const how = await next
    await sql.end({ timeout: 0 })
    return [how, await stuck]
  },
  [['next'], 'CONNECTION_DESTROYED'],
)

reproduces(
  meter,
  'the meter reads how connections are used, and hears how long each query waited',
  async ({ server, connect, outcome, seen }) => {
    let read = () => ({})
    const waited: number[] = []
    const watch = (reader: typeof read) => {
      read = reader
    }
    const sql = connect({ max: 2, meter: { watch, waited: (ms: number) => waited.push(ms) } })
    const before = read()
    await sql`opens`
    server.answer(() => new Promise(() => {}))
    const held = outcome(sql`held`)
    await seen(() => waited.length === 2)
    const during = read()
    await sql.end({ timeout: 0 })
    await held
    return [before, during, waited.every((ms) => ms >= 0)]
  },
  [{ busy: 0, idle: 0, closed: 2, waiting: 0 }, { busy: 1, idle: 0, closed: 1, waiting: 0 }, true],
)

reproduces(
  opening,
  'a connection runs its opening statement first, and ends where the option refuses its error',
  async ({ server, connect, outcome }) => {
    let code = '25006'
    server.answer((statement) => (statement.text === 'prepare' && code ? { error: { code } } : echo(statement)))
    const sql = connect({
      opening: { statement: () => 'prepare', refuses: (error: { code: string }) => error.code === '25006' },
    })
    const refused = await outcome(sql`one`)
    code = '42501'
    const used = await outcome(sql`two`)
    return [refused, used, server.sessions.map(({ ran }) => ran)]
  },
  ['25006, unsent', ['two'], [['prepare'], ['prepare', 'two']]],
)

reproduces(
  dialled,
  'connections are dialled, and the search for a host with the wanted attributes ends',
  async ({ server, connect, outcome }) => {
    const tries: number[] = []
    const dial = async (tried: number) => {
      tries.push(tried)
      const socket = connectTo(server.port, '127.0.0.1')
      await new Promise((resolve) => socket.once('connect', resolve))
      return socket
    }
    const found = await outcome(connect({ dial, hosts: 2, port: 1 })`one`)
    const none = await outcome(connect({ dial, hosts: 2, port: 1, target_session_attrs: 'standby' })`two`)
    const failing = async () => {
      const socket = new Socket()
      setImmediate(() => socket.destroy(Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' })))
      return socket
    }
    return [found, none, await outcome(connect({ dial: failing, hosts: 1 })`three`), tries]
  },
  [['one'], 'NO_SUCH_HOST, unsent', 'ECONNREFUSED, unsent', [0, 0, 1]],
)

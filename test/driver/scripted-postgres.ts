import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A statement that the driver has sent, in the session that runs it. */
interface Statement {
  text: string
  parameters: string[]
  session: Session
}

/** What PostgreSQL says to a statement: rows of one column, and an error behind them. `undefined` is no answer. */
interface Reply {
  rows?: string[]
  error?: Fields
}
type Answer = (statement: Statement) => Reply | undefined | Promise<Reply | undefined>
type Fields = { code: string; severity?: string; routine?: string }

export interface Session {
  /** The texts of the statements that the session was told to run, in their order. */
  ran: string[]
  /** The types of the messages that the session was sent, in their order. */
  heard: string[]
  stream: Duplex
  /** Ends the session as PostgreSQL does: with an error, where one is given, and then the connection. */
  end: (error?: Fields) => void
  /** Cuts the connection without a goodbye. */
  reset: () => void
}

export interface ScriptedPostgres {
  port: number
  /** All sessions, in their order. */
  sessions: Session[]
  /** Decides what statements answer from now on; undefined says the same as `echo`. A text that begins with `unknown` is refused when it is prepared. */
  answer: (answer: Answer) => void
  /** Ends new connections at once. */
  refuse: (refuses: boolean) => void
  /** New sessions do not say whether they are on a standby, as before PostgreSQL 14. */
  forgetState: () => void
  stop: () => Promise<void>
}

/** The first parameter of a statement, or its text, as its only row. */
export const echo: Answer = ({ text, parameters }) => ({ rows: [parameters[0] ?? text] })

/**
 * Speaks the protocol of PostgreSQL and says what a test wants, when it wants it: what a session has not answered yet, and what it
 * has answered in the same packet, decides what the driver does. Sessions answer in order, as those of PostgreSQL do.
 */
export async function scriptedPostgres(): Promise<ScriptedPostgres> {
  const sessions: Session[] = []
  let answer = echo
  let refuses = false
  let state = 'off'
  const server = createServer((socket) => {
    if (refuses) return void socket.on('error', () => {}).destroy()
    sessions.push(serve(socket, (statement) => answer(statement), state))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('the server has no port')
  return {
    ...{ port: address.port, sessions },
    answer: (given) => {
      answer = given
    },
    refuse: (given) => {
      refuses = given
    },
    forgetState: () => {
      state = ''
    },
    stop: async () => {
      for (const { stream } of sessions) stream.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers on a stream as a session of PostgreSQL does. */
export function serve(stream: Duplex, answer: Answer, state = 'off'): Session {
  const session: Session = {
    ran: [],
    heard: [],
    stream,
    end: (error) => {
      if (error) stream.write(errorOf({ severity: 'FATAL', ...error }))
      stream.end()
    },
    reset: () => void (stream instanceof Socket ? stream.resetAndDestroy() : stream.destroy()),
  }
  const prepared = new Map<string, string>()
  let bound: Pick<Statement, 'text' | 'parameters'> = { text: '', parameters: [] }
  let status = 'I'
  let failed = false
  /** Several answers leave in one packet, as those of a pipeline do. */
  let written: Buffer[] = []
  const write = (...messages: Buffer[]) => void written.push(...messages)
  const send = () => {
    if (stream.writable && written.length > 0) stream.write(Buffer.concat(written))
    written = []
  }

  const run = async ({ text, parameters }: typeof bound) => {
    session.ran.push(text)
    const word = text.trim().split(' ')[0]?.toUpperCase() ?? ''
    const ends = word === 'COMMIT' || word === 'ROLLBACK'
    if (word === 'BEGIN' || ends) {
      status = word === 'BEGIN' ? 'T' : 'I'
      return write(message('C', text0(word)))
    }
    const reply = await answer({ text, parameters, session })
    failed = !reply || reply.error !== undefined
    if (!reply) return
    write(
      ...(reply.rows ?? []).map((row) =>
        message('D', Buffer.concat([int16(1), int32(Buffer.byteLength(row)), Buffer.from(row)])),
      ),
    )
    if (!reply.error) return write(message('C', text0(`SELECT ${reply.rows?.length ?? 0}`)))
    if (status === 'T') status = 'E'
    write(errorOf(reply.error))
  }

  const handle = async (type: string, body: Buffer) => {
    session.heard.push(type)
    if (type === 'start' && state !== '')
      write(
        ...['in_hot_standby', 'default_transaction_read_only'].map((name) =>
          message('S', Buffer.from(`${name}\0${state}\0`)),
        ),
      )
    if (type === 'start')
      return write(message('R', int32(0)), message('K', Buffer.alloc(8)), message('Z', Buffer.from('I')))
    if (type === 'S') {
      failed = false
      return write(message('Z', Buffer.from(status)))
    }
    if (failed) return
    const strings = body.toString('latin1').split('\0')
    if (type === 'P') {
      prepared.set(strings[0] ?? '', strings[1] ?? '')
      failed = strings[1]?.startsWith('unknown') === true
      if (failed && status === 'T') status = 'E'
      write(failed ? errorOf({ code: '42P01' }) : message('1'))
    }
    if (type === 'D') write(message('t', parametersOf(prepared.get((strings[0] ?? '').slice(1)) ?? '')), column)
    if (type === 'B') {
      bound = { text: prepared.get(strings[1] ?? '') ?? '', parameters: valuesOf(body, strings) }
      write(message('2'))
    }
    if (type === 'E') await run(bound)
    if (type === 'Q') {
      write(column)
      await run({ text: strings[0] ?? '', parameters: [] })
      failed = false
      write(message('Z', Buffer.from(status)))
    }
  }

  let unread = Buffer.alloc(0)
  let hasStarted = false
  let turn = Promise.resolve()
  stream.on('error', () => {})
  stream.on('data', (data: Buffer) => {
    unread = Buffer.concat([unread, data])
    for (;;) {
      const skipped = hasStarted ? 1 : 0
      if (unread.length < 4 + skipped) break
      const length = unread.readInt32BE(skipped) + skipped
      if (unread.length < length) break
      const [type, body] = [
        hasStarted ? unread.toString('latin1', 0, 1) : 'start',
        unread.subarray(4 + skipped, length),
      ]
      hasStarted = true
      unread = unread.subarray(length)
      turn = turn.then(() => handle(type, body))
    }
    turn = turn.then(send)
  })
  return session
}

const int16 = (n: number) => Buffer.from([n >> 8, n & 255])
function int32(n: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(n)
  return buffer
}
const text0 = (text: string) => Buffer.from(`${text}\0`)
const message = (type: string, body: Buffer = Buffer.alloc(0)) =>
  Buffer.concat([Buffer.from(type), int32(body.length + 4), body])

const column = message('T', Buffer.concat([int16(1), text0('value'), Buffer.alloc(6), int32(25), Buffer.alloc(8)]))

function parametersOf(text: string): Buffer {
  const count = new Set(text.match(/\$\d+/g)).size
  return Buffer.concat([int16(count), ...Array.from({ length: count }, () => int32(25))])
}

/** The values of Bind stand behind the name of the portal, that of the statement, and the number of formats, which is 0. */
function valuesOf(body: Buffer, [portal = '', name = '']: string[]): string[] {
  let at = portal.length + name.length + 4
  const values = Array.from({ length: body.readInt16BE(at) }, () => '')
  at += 2
  return values.map(() => {
    const length = body.readInt32BE(at)
    at += 4 + length
    return body.toString('utf8', at - length, at)
  })
}

const errorOf = ({ code, severity = 'ERROR', routine = 'errfinish' }: Fields) =>
  message(
    'E',
    Buffer.concat([...[`S${severity}`, `V${severity}`, `C${code}`, 'Mfails', `R${routine}`].map(text0), Buffer.of(0)]),
  )

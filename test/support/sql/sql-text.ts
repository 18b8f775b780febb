import { Duplex } from 'node:stream'
import { connectEmbedded } from '../../../server/database/connection/connect.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { formatSql } from './format-sql.ts'

/** What PostgreSQL answers to each message of a client, when every statement returns no row. */
const answers: Record<string, [kind: string, body: Buffer][]> = {
  P: [['1', Buffer.alloc(0)]],
  D: [
    ['t', Buffer.alloc(2)],
    ['n', Buffer.alloc(0)],
  ],
  B: [['2', Buffer.alloc(0)]],
  E: [['C', Buffer.from('SELECT 0\0')]],
  Q: [
    ['C', Buffer.from('SELECT 0\0')],
    ['Z', Buffer.from('I')],
  ],
  S: [['Z', Buffer.from('I')]],
}

const message = (kind: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const textAt = (bytes: Buffer, start: number): string => bytes.toString('utf8', start, bytes.indexOf(0, start))

/** The statement of a Parse or Query message; undefined for another message. */
function statementIn(kind: string, body: Buffer): string | undefined {
  if (kind === 'Q') return textAt(body, 0)
  return kind === 'P' ? textAt(body, body.indexOf(0) + 1) : undefined
}

/** One connection to a database in which every statement succeeds and returns no row. */
function emptyDatabase(record: (statement: string) => void): Duplex {
  let received = Buffer.alloc(0)
  let started = false
  // Later, since postgres.js does not expect an answer before its write has returned.
  const reply = (messages: [kind: string, body: Buffer][]) =>
    setImmediate(() => {
      for (const [kind, body] of messages) socket.push(message(kind, body))
    })
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      received = Buffer.concat([received, chunk])
      if (!started) {
        received = received.subarray(received.readInt32BE(0))
        started = true
        reply([
          ['R', Buffer.alloc(4)],
          ['Z', Buffer.from('I')],
        ])
      }
      while (received.length >= 5 && received.length > received.readInt32BE(1)) {
        const end = received.readInt32BE(1) + 1
        const kind = String.fromCharCode(received[0] ?? 0)
        const statement = statementIn(kind, received.subarray(5, end))
        if (statement !== undefined) record(statement)
        reply(answers[kind] ?? [])
        received = received.subarray(end)
      }
      done()
    },
    final(done) {
      done()
      this.destroy()
    },
  })
  return Object.assign(socket, { readyState: 'open' })
}

/**
 * The statements that `run` sends to PostgreSQL, in their order and laid out, with `$1`, `$2` for the parameters. There is
 * no server: every statement returns no row, and an error that `run` throws because of that is ignored.
 */
export async function statementsOf(run: (sql: Pool) => PromiseLike<unknown>): Promise<string[]> {
  const statements: string[] = []
  const sql = connectEmbedded({
    socket: async () => emptyDatabase((statement) => statements.push(statement)),
    onnotify: () => {},
    meter: undefined,
  })
  try {
    await run(sql)
  } catch {
    // No row is not an answer that every caller expects.
  } finally {
    await sql.end()
  }
  // postgres.js reads the types of arrays when it connects.
  return statements.filter((statement) => !statement.includes('pg_catalog.pg_type')).map(formatSql)
}

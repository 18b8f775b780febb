import { wireTo } from '../../../scripts/launch/wire.ts'

/** A way to PostgreSQL that keeps the text of each statement a client prepares or sends. */
export interface StatementRecorder {
  url: string
  /** The statements since the last call of `clear`, each once, in the order of their first appearance. */
  statements: () => string[]
  clear: () => void
  stop: () => Promise<void>
}

/** Starts a recorder in front of the database at `url`. */
export async function recordStatements(url: string): Promise<StatementRecorder> {
  const texts = new Set<string>()
  const { stop, url: own } = await wireTo(url, { watch: () => statementReader((statement) => texts.add(statement)) })
  return { url: own, statements: () => [...texts], clear: () => texts.clear(), stop }
}

/** The number in place of a version by which a client asks for TLS, which the server of the tests does not have. */
const tlsRequest = 80877103

/** Reads the messages of one connection: a request for TLS and the startup message have no type byte, all later ones have one. */
function statementReader(found: (statement: string) => void): (chunk: Buffer) => void {
  let unread = Buffer.alloc(0)
  let started = false
  return (chunk) => {
    unread = Buffer.concat([unread, chunk])
    for (;;) {
      const head = started ? 1 : 0
      if (unread.length < head + 4) return
      const end = head + unread.readInt32BE(head)
      if (unread.length < end) return
      const texts = unread
        .subarray(head + 4, end)
        .toString('utf8')
        .split('\0')
      if (started && unread[0] === 'P'.charCodeAt(0)) found(texts[1] ?? '')
      if (started && unread[0] === 'Q'.charCodeAt(0)) found(texts[0] ?? '')
      started ||= unread.readInt32BE(4) !== tlsRequest
      unread = unread.subarray(end)
    }
  }
}

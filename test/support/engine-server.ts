import type { Authenticator, Caller } from '../../server/auth/authenticate.ts'
import { singleUser } from '../../server/auth/authenticate.ts'
import { hashed } from '../../server/auth/secrets.ts'
import { connectEmbedded } from '../../server/database/connection/connect.ts'
import type { Abilities } from '../../server/engines/abilities.ts'
import { createApp } from '../../server/http/app.ts'
import { createSite } from '../../server/http/browser/site.ts'
import { createHttpServer, listen } from '../../server/http/connection/http-server.ts'
import { Failure } from '../../shared/errors.ts'
import { type Answer, call } from './http.ts'
import { serverWith } from './sql/call-with.ts'

/** A server over the tables of an engine that can what `abilities` say, for calls that it refuses before any statement. */
export interface EngineServer {
  url: string
  send: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  /** Whether a call has asked the database, which is away. */
  isAsked: () => boolean
  stop: () => void
}

/** @param callers by their keys */
export async function serveEngine(
  abilities: Abilities,
  callers: Readonly<Record<string, Caller>> = { key: singleUser },
): Promise<EngineServer> {
  let isAsked = false
  const sql = connectEmbedded({
    socket: async () => {
      isAsked = true
      throw new Failure('database_unavailable', 'the database is away')
    },
    onnotify: () => {},
    meter: undefined,
  })
  const app = createApp({
    ...serverWith(sql),
    abilities: () => abilities,
    auth: authenticatorOf(callers),
    readAddress: () => '127.0.0.1',
    isReady: () => true,
    checkDatabase: async () => {},
    draining: new AbortController().signal,
    metricsToken: () => undefined,
    signOn: undefined,
    site: createSite(undefined),
    ui: 'off',
    isOpenToOthers: false,
  })
  const server = createHttpServer(app.fetch)
  const url = `http://127.0.0.1:${await listen(server, '127.0.0.1', 0)}`
  return {
    url,
    isAsked: () => isAsked,
    send: (method, path, body, headers = {}) =>
      call({
        url,
        method,
        path,
        ...(method !== 'GET' && { body: body ?? {} }),
        headers: { 'x-api-key': 'key', 'x-confirm': 'true', ...headers },
      }),
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

const authenticatorOf = (callers: Readonly<Record<string, Caller>>): Authenticator => ({
  challenge: 'ApiKey',
  way: 'key',
  hashOf: hashed,
  secretOf: (header) => header('x-api-key'),
  callerBehind: async () => undefined,
  authenticate: async ({ secret = '' }) => {
    const caller = callers[secret]
    if (!caller) throw new Error(`no caller has the key ${secret}`)
    return caller
  },
})

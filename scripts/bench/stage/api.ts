import { Pool } from 'undici'

/** The key of the servers of a run. */
export const apiKey = 'bench'

/** Calls one server, over connections that stay open. */
export interface Api {
  get: (path: string) => Promise<unknown>
  post: (path: string, body: unknown) => Promise<unknown>
  /** The same, and nobody looks into the answer: whoever makes the load must have less to do than the server. */
  load: (path: string, body?: unknown) => Promise<void>
  close: () => Promise<void>
}

/** A refusal is an error: what was refused was not measured. */
export function connect(url: string, connections = 64): Api {
  const pool = new Pool(url, { connections, ...limits })
  const call = async (path: string, body?: unknown) => {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = body === undefined ? plain : json
    const answer = await pool.request({ method, path, headers, body: body === undefined ? null : JSON.stringify(body) })
    if (answer.statusCode < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.statusCode} ${(await answer.body.text()).slice(0, 500)}`)
  }
  return {
    get: async (path) => (await call(path)).json(),
    post: async (path, body) => (await call(path, body)).json(),
    load: async (path, body) => (await call(path, body)).dump({ limit: Number.POSITIVE_INFINITY }),
    close: () => pool.close(),
  }
}

/** A server closes what is idle for some seconds: it must not be used in the same moment. */
const limits = { headersTimeout: 600_000, bodyTimeout: 600_000, keepAliveTimeout: 1000, keepAliveMaxTimeout: 1000 }

const plain = { 'x-api-key': apiKey, 'x-confirm': 'true' }
const json = { ...plain, 'content-type': 'application/json' }

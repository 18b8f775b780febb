import { Pool } from 'undici'
import { returnMinimal } from '../../../shared/headers.ts'

/** The API key of all servers of a run. */
export const apiKey = 'bench'

/** A client of one server over keep-alive connections. Each call rejects when the status is 300 or above. */
export interface Api {
  get: (path: string) => Promise<unknown>
  post: (path: string, body: unknown) => Promise<unknown>
  /**
   * Sends a POST, or a GET without a body, and discards the response: the load must use less CPU time than the server.
   */
  load: (path: string, body?: unknown) => Promise<void>
  close: () => Promise<void>
}

interface Connecting {
  connections?: number
  /** Headers of every call, beside the API key. */
  headers?: Record<string, string>
}

/** Creates a client. A status of 300 or above is an error, since a rejected call is not what the figure measures. */
export function connect(url: string, { connections = 64, headers: own = {} }: Connecting = {}): Api {
  const pool = new Pool(url, { connections, ...limits })
  const call = async (path: string, body?: unknown) => {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = { ...(body === undefined ? plain : json), ...own }
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

/**
 * The server closes connections that are idle for some seconds. The client closes them earlier, so that it does not use
 * a closed one.
 */
const limits = { headersTimeout: 600_000, bodyTimeout: 600_000, keepAliveTimeout: 1000, keepAliveMaxTimeout: 1000 }

/** Workers of a load read no more than they need, as the clients of the peers. */
const plain = { 'x-api-key': apiKey, 'x-confirm': 'true', prefer: returnMinimal }
const json = { ...plain, 'content-type': 'application/json' }

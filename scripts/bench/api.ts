import { Pool } from 'undici'

/** The key of the servers of a run. */
export const apiKey = 'bench'

/** Calls one server, over connections that stay open. */
export interface Api {
  get: (path: string) => Promise<unknown>
  post: (path: string, body: unknown) => Promise<unknown>
  close: () => Promise<void>
}

/** A refusal is an error: what was refused was not measured. */
export function connect(url: string, connections = 64): Api {
  const pool = new Pool(url, { connections, ...limits })
  const call = async (method: 'GET' | 'POST', path: string, body?: string): Promise<unknown> => {
    const answer = await pool.request({ method, path, headers: body === undefined ? plain : json, body: body ?? null })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`)
    return JSON.parse(text)
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, JSON.stringify(body)),
    close: () => pool.close(),
  }
}

/** A server closes what is idle for some seconds: it must not be used in the same moment. */
const limits = { headersTimeout: 600_000, bodyTimeout: 600_000, keepAliveTimeout: 1000, keepAliveMaxTimeout: 1000 }

const plain = { 'x-api-key': apiKey, 'x-confirm': 'true' }
const json = { ...plain, 'content-type': 'application/json' }

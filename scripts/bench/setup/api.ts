import { returnMinimal } from '../../../shared/headers.ts'
import { apiKey } from '../../launch/server.ts'
import { createConnectionPool } from './connection-pool.ts'

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

/**
 * Workers of a load read no more than they need, as the clients of the peers. Over the jobs of another engine, a server takes a client without a
 * name for a jobsctl that reads no texts as ids.
 */
const plain = { 'user-agent': 'bench', 'x-api-key': apiKey, 'x-confirm': 'true', prefer: returnMinimal }

/** Creates a client. A status of 300 or above is an error, since a rejected call is not what the figure measures. */
export function connect(url: string, { connections = 64, headers = {} }: Connecting = {}): Api {
  const { host } = new URL(url)
  const pool = createConnectionPool(url, connections)
  const lines = Object.entries({ host, ...plain, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = ` HTTP/1.1\r\n${lines.join('')}`
  const call = async (path: string, sent?: unknown): Promise<Buffer> => {
    const request =
      sent === undefined ? `GET ${path}${head}\r\n` : `POST ${path}${head}${withBody(JSON.stringify(sent))}`
    const connection = pool.take() ?? (await pool.open())
    const { status, body } = await connection.send(request).finally(() => pool.giveBack(connection))
    if (status < 300) return body
    throw new Error(`${request.split(' ', 2).join(' ')}: ${status} ${body.toString('utf8', 0, 500)}`)
  }
  return {
    get: async (path) => JSON.parse((await call(path)).toString()),
    post: async (path, body) => JSON.parse((await call(path, body)).toString()),
    load: async (path, body) => void (await call(path, body)),
    close: async () => pool.close(),
  }
}

const withBody = (body: string): string =>
  `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

import { request } from 'undici'

/** A response of the server; `body` is its parsed JSON, or its text when the text is not JSON. */
export interface Answer {
  status: number
  headers: Record<string, string | undefined>
  body: unknown
}

interface CallOptions {
  url: string
  method: string
  path: string
  /** Sent as JSON; a string is sent as it is. */
  body?: unknown
  headers?: Record<string, string>
}

/**
 * Sends one request: no redirect is followed, nothing is retried, and no header is added but the content type of a body, and the name of
 * the client, without which a server over another engine takes it for an old jobsctl.
 */
export async function call({ url, method, path, body, headers }: CallOptions): Promise<Answer> {
  const answer = await request(`${url}${path}`, {
    method,
    headers: { 'user-agent': 'tests', ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, headers: plain(answer.headers), body: parsed(text) }
}

const plain = (headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value?.toString()]))

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

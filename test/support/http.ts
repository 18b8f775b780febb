import { request } from 'undici'

/** An answer of the server; `body` is what its JSON says, or the text when it is not JSON. */
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

/** One request, exactly as told: nothing is followed, retried or added but the content type of a body. */
export async function call({ url, method, path, body, headers }: CallOptions): Promise<Answer> {
  const answer = await request(`${url}${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
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

import type { Answer } from '../http.ts'

/** The beginning of a stream of server-sent events: as `body` the text up to the first heartbeat or whole message. */
export async function firstMessage(url: string, path: string, headers: Record<string, string>): Promise<Answer> {
  const leaving = new AbortController()
  const response = await fetch(`${url}${path}`, { headers, signal: leaving.signal })
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('\n\n')) break
  }
  leaving.abort()
  // A stream begins with all that there is, in messages that a heartbeat or nothing follows.
  return { status: response.status, headers: {}, body: text.replaceAll(/^id: \d+$/gm, '') }
}

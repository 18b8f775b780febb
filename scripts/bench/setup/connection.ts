import { once } from 'node:events'
import { connect } from 'node:net'

interface HttpResponse {
  status: number
  body: Buffer
}

/** A keep-alive connection of HTTP/1.1, for one request at a time. */
export interface Connection {
  /**
   * Sends a request, as text with its head. Resolves to the response.
   * @throws Error when the connection ends before the whole response, or when the response has no Content-Length
   */
  send: (request: string) => Promise<HttpResponse>
  /** True while it can be used again: a server closes a connection that is idle for some seconds. */
  isUsable: () => boolean
  close: () => void
}

/** The client does not use a connection that was idle for longer, in milliseconds. */
const longestIdleMs = 1000

interface Waiting {
  resolve: (response: HttpResponse) => void
  reject: (error: Error) => void
}

/**
 * Opens a connection. It reads of a head only the status and the Content-Length: the load shares the processor with the server that is
 * measured, and a whole HTTP client takes three times as long for a call.
 */
export async function openConnection(host: string, port: number): Promise<Connection> {
  const socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  let [usedAt, size] = [performance.now(), 0]
  let chunks: Buffer[] = []
  let waiting: Waiting | undefined
  let head: Head | undefined
  const fail = (error: Error) => {
    socket.destroy()
    waiting?.reject(error)
    waiting = undefined
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the server closed the connection before its response')))
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    head ??= headOf(whole(chunks))
    if (!head || size < head.end) return
    if (!waiting || size > head.end || Number.isNaN(head.end))
      return fail(new Error(`unexpected response: ${whole(chunks).toString('latin1', 0, 500)}`))
    const { resolve } = waiting
    const response = { status: head.status, body: whole(chunks).subarray(head.start) }
    waiting = head = undefined
    chunks = []
    size = 0
    usedAt = performance.now()
    resolve(response)
  })
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request)
      }),
    isUsable: () => !socket.destroyed && performance.now() - usedAt < longestIdleMs,
    close: () => socket.destroy(),
  }
}

interface Head {
  status: number
  /** Where the body begins and ends, in bytes from the beginning of the head; the end is NaN without a Content-Length. */
  start: number
  end: number
}

/** Reads the head of a response; undefined while it is not complete. */
function headOf(received: Buffer): Head | undefined {
  const start = received.indexOf('\r\n\r\n') + 4
  if (start === 3) return undefined
  const text = received.toString('latin1', 0, start)
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1]
  return { status: Number(text.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)), start, end: start + Number(length) }
}

/** Most responses arrive as one chunk. */
const whole = (chunks: readonly Buffer[]): Buffer =>
  chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)

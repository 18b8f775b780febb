import { connect } from 'node:net'

/** Sends these very bytes, closes its side, and returns all that comes back; nothing when nothing does. */
export const sendRaw = (url: string, bytes: string | Buffer, limit = 60_000): Promise<string> =>
  exchange(url, { bytes, limit, end: true })

/** Sends these very bytes, and returns all that comes back until the server closes the connection. */
export const sendUntilClosed = (url: string, bytes: string, limit = 60_000): Promise<string> =>
  exchange(url, { bytes, limit, end: false })

interface Exchange {
  bytes: string | Buffer
  /** In milliseconds. */
  limit: number
  /** Whether the client closes its side after the last byte. */
  end: boolean
}

function exchange(url: string, { bytes, limit, end }: Exchange): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    let answer = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer within ${limit} ms; so far: ${answer}`))
    }, limit)
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text
    })
    // A server that has refused a request may reset the connection while the rest of it is sent.
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(answer)
    })
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    if (end) socket.end()
  })
}

/** The status codes in what came back, one for each answer. */
export const statusesOf = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port that leads to a server, whose connections can be cut. */
export interface CutWire {
  origin: string
  /** Cuts all connections, and takes no new one until `mend`. */
  cut: () => void
  /** Leads to the server again, or to another one. */
  mend: (url: string) => void
  stop: () => void
}

/** Opens a port that passes on bytes to the server at `url`, as a browser elsewhere has it. */
export async function openWire(url: string): Promise<CutWire> {
  let target: URL | undefined = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    if (!target) return near.destroy()
    const far = connect(Number(target.port), target.hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    target = undefined
    for (const socket of sockets) socket.destroy()
  }
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    cut,
    mend: (next) => {
      target = new URL(next)
    },
    stop: () => {
      cut()
      server.close()
    },
  }
}

import { type Connection, openConnection } from './connection.ts'

/** Creates the connections to a server: at most `most`, each opened when it is needed. */
export function createConnectionPool(url: string, most: number) {
  const { hostname, port } = new URL(url)
  const free: Connection[] = []
  const waiting: (() => void)[] = []
  let opened = 0
  /** A connection that is open and free. */
  const take = (): Connection | undefined => {
    for (let connection = free.pop(); connection; connection = free.pop()) {
      if (connection.isUsable()) return connection
      connection.close()
      opened -= 1
    }
    return undefined
  }
  return {
    take,
    /** Resolves to a new connection, or to the next one that is free where there are as many as there may be. */
    async open(): Promise<Connection> {
      while (opened >= most) {
        await new Promise<void>((resolve) => waiting.push(resolve))
        const connection = take()
        if (connection) return connection
      }
      opened += 1
      return openConnection(hostname, Number(port))
    },
    giveBack(connection: Connection): void {
      free.push(connection)
      waiting.shift()?.()
    },
    close(): void {
      for (const connection of free) connection.close()
    },
  }
}

import { startWorkers, type Workers } from '../../../launch/workers.ts'

interface Options {
  count: number
  seed: number
  /** The folder of the journals. */
  journals: string
  /** The base URLs of the servers. */
  servers: readonly string[]
}

/** A worker of its own that breaks the rules at random, and one on `jobsctl/worker`. */
const sources = ['http-worker.ts', 'sdk-worker.ts'].map((name) => new URL(name, import.meta.url))

/**
 * Starts worker processes, every second of them on `jobsctl/worker`. Two processes share each worker id, as the processes of a pool do.
 * The message `calm` ends their faults.
 */
export const startFaultyWorkers = ({ count, seed, journals, servers }: Options): Promise<Workers> =>
  startWorkers({
    ...{ count, sources },
    argv: (at, life) => ({
      ...{ name: `w${at}.${life}`, worker: `pool-${at >> 1}`, seed: String(seed), journals },
      servers: servers.join(','),
    }),
  })

import { readEnv } from '../../server/env/env.ts'
import { createLog } from '../../server/log/log.ts'
import type { Running } from '../../server/start.ts'

/** The built server, with the types of its source. */
const { start }: typeof import('../../server/start.ts') = await import(
  new URL('../../dist/server/start.js', import.meta.url).href
)

/**
 * Starts the built server in this process, without a log, on a free port and an embedded database that waits for no disk. Resolves when
 * it is prepared. `env` has JOBS_DATA_DIR, and more variables.
 */
export async function startBuilt(env: Record<string, string>): Promise<Running> {
  const log = createLog({ write: () => {}, readable: true })
  const server = await start(readEnv({ JOBS_EMBEDDED_FSYNC: 'false', PORT: '0', ...env }), log)
  await server.prepared
  return server
}

/** Calls `use` with such a server, and stops it. */
export async function withServer<T>(env: Record<string, string>, use: (server: Running) => Promise<T>): Promise<T> {
  const server = await startBuilt(env)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

import type { ChangeServer } from '../call.ts'
import type { Held } from './detached/hold.ts'
import { startHeartbeat } from './record/liveness.ts'

/**
 * Shows other servers that this one runs the operation, until the returned function is called, and keeps this server from taking it
 * for an orphan.
 */
export function attend(context: Held & Pick<ChangeServer, 'workerSql' | 'localOperations'>): () => void {
  const { operation, hold, workerSql: sql, localOperations } = context
  localOperations.add(operation)
  const stopHeartbeat = startHeartbeat({ sql, operation, hold })
  return () => {
    stopHeartbeat()
    localOperations.delete(operation)
  }
}

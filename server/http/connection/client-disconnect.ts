import type { ServerResponse } from 'node:http'

/**
 * A controller that is aborted when the caller disconnects before it has read the response. The signal of a `Request`
 * is not used, because Node keeps every listener of it in a registry for ever.
 */
export function disconnectController(outgoing: ServerResponse): AbortController {
  const controller = new AbortController()
  const close = () => {
    if (!outgoing.writableFinished) controller.abort()
  }
  if (outgoing.destroyed) close()
  else outgoing.once('close', close)
  return controller
}

import type { ServerResponse } from 'node:http'

/**
 * Ends when the caller hangs up before it has read its answer. The signal of a `Request` is not used: Node keeps all that
 * listens to one for ever, in a registry of its own.
 */
export function disconnectController(outgoing: ServerResponse): AbortController {
  const gone = new AbortController()
  const close = () => {
    if (!outgoing.writableFinished) gone.abort()
  }
  if (outgoing.destroyed) close()
  else outgoing.once('close', close)
  return gone
}

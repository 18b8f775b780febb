import type { HttpBindings } from '@hono/node-server'

/** The values that a request carries through the app. */
export interface RequestContext {
  Bindings: HttpBindings
  Variables: {
    requestId: string
    caller: string
    /** For long calls: checks the caller's credentials again. Throws Failure `unauthenticated`. */
    stillAllowed: () => Promise<void>
    /** True when the call may change rows. */
    changing: boolean
    /** The number of rows that the call has changed. */
    rows: number
    /** Reports progress, which restarts the call's inactivity timeout. */
    alive: (() => void) | undefined
  }
}

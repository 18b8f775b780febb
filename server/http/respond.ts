import type { Context } from 'hono'
import { headers } from '../../shared/headers.ts'
import { version } from '../../shared/version.ts'
import type { RequestContext } from './request/request-context.ts'
import { securityHeaders } from './security-headers.ts'

interface ResponseOptions {
  status?: number
  type?: string
  more?: Record<string, string>
}

/**
 * A response with its request id; JSON by default. All headers are given at once, as an object, because the `Headers`
 * that Hono would make take longer than everything else that a call does.
 */
export const respond = (
  c: Context<RequestContext>,
  text: string | null,
  { status = 200, type, more }: ResponseOptions = {},
): Response =>
  new Response(text, {
    status,
    headers: {
      'Content-Type': type ?? 'application/json',
      [headers.requestId]: c.get('requestId'),
      'X-Jobs-Version': version,
      ...securityHeaders,
      ...more,
    },
  })

import type { Context } from 'hono'
import type { ServerContext } from '../../call.ts'
import { credentialsKey } from '../authenticate.ts'
import type { RequestContext } from '../request/request-context.ts'

/**
 * Looks whether the caller of a stream may still read it. Streams with the same credentials and the same scope share one look.
 * @throws Failure `unauthenticated` or `forbidden`
 */
export async function checkCaller(
  c: Context<RequestContext>,
  { singleFlight }: Pick<ServerContext, 'singleFlight'>,
): Promise<void> {
  const { within } = c.get('caller')
  await singleFlight.share(`stream of ${credentialsKey(c)} ${JSON.stringify(within)}`, async () => {
    await c.get('stillAllowed')()
    return ''
  })
}

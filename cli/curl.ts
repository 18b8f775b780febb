import type { z } from 'zod'
import { headers } from '../shared/headers.ts'
import type { Operation } from '../shared/operation.ts'
import { placed } from './call-path.ts'
import type { Context } from './context.ts'
import { queryOf } from './query.ts'
import { quoted } from './shell.ts'

/** The call as a curl command that reads `$BASE` and the secret from the environment. */
export function curlOf<In extends z.ZodType>(
  { flags, io, settings }: Context,
  op: Operation<In>,
  request: z.input<In>,
  confirmed = false,
): string {
  const withToken = flags.tokenFile ?? io.env.JOBSCTL_TOKEN_FILE ?? io.env.JOBSCTL_TOKEN
  const credential = withToken ? '"Authorization: Bearer $TOKEN"' : '"X-API-KEY: $API_KEY"'
  const { path, fields } = placed(op.path, request)
  const query = op.method === 'GET' ? queryOf(fields) : ''
  const lines = [
    `curl -X ${op.method} "$BASE${path}${query ? `?${query}` : ''}"`,
    `-H ${credential}`,
    ...(confirmed ? [`-H "${headers.confirm}: true"`] : []),
    ...(op.changes(op.input.parse(request)) ? [`-H ${quoted(`${headers.reason}: ${settings.reason}`)}`] : []),
    ...(op.method === 'GET'
      ? ['-H "Accept: application/json"']
      : ['-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(fields))}`]),
  ]
  return `${lines.join(' \\\n  ')}\n`
}

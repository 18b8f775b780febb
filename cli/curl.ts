import type { z } from 'zod'
import type { Endpoint } from '../shared/endpoint.ts'
import { headers, respondAsync } from '../shared/headers.ts'
import { quoted } from '../shared/text/shell.ts'
import type { Context } from './context.ts'
import { keyedPath, placeFields, queryOf } from './http/request-url.ts'

/** The call as a curl command that reads `$BASE` and the secret from the environment. */
export function curlOf<In extends z.ZodType>(
  { flags, io, settings, staleOk }: Context,
  endpoint: Endpoint<In>,
  request: z.input<In>,
  confirmed = false,
): string {
  const withToken = flags.tokenFile ?? io.env.JOBSCTL_TOKEN_FILE ?? io.env.JOBSCTL_TOKEN
  const credential = withToken ? '"Authorization: Bearer $TOKEN"' : '"X-API-KEY: $API_KEY"'
  const at = keyedPath(endpoint, request)
  const { path, fields } = placeFields(at.path, at.input)
  const query = endpoint.method === 'GET' ? queryOf(fields) : ''
  const lines = [
    `curl -X ${endpoint.method} "$BASE${path}${query ? `?${query}` : ''}"`,
    `-H ${credential}`,
    ...(confirmed ? [`-H "${headers.confirm}: true"`] : []),
    ...(staleOk ? [`-H "${headers.staleOk}: true"`] : []),
    ...(confirmed && settings.emergency ? [`-H "${headers.emergency}: true"`] : []),
    ...(confirmed && settings.detach ? [`-H "Prefer: ${respondAsync}"`] : []),
    ...(endpoint.changes(endpoint.input.parse(request))
      ? [`-H ${quoted(`${headers.reason}: ${settings.reason}`)}`]
      : []),
    ...(endpoint.method === 'GET'
      ? ['-H "Accept: application/json"']
      : ['-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(fields))}`]),
  ]
  return `${lines.join(' \\\n  ')}\n`
}

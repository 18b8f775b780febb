import { Failure } from '../shared/errors.ts'
import type { Context } from './context.ts'
import type { Ending } from './output/print.ts'
import type { Flag } from './settings/flags/flag.ts'

export const webFlag: Flag = {
  flags: '--web',
  about: 'open the page of the dashboard; in a pipe print its URL',
  group: 'HOW',
}

/**
 * Prints the URL of a page of the dashboard, and opens it in the browser of a person at a terminal.
 * @param path of the page, below the root of the dashboard
 * @throws Failure `usage` where no server stands between; `not_found` for a server without its dashboard; `misdirected` where browsers
 * reach the server by another URL
 */
export async function openPage(context: Context, path: string, query: object = {}): Promise<Ending> {
  const { io, print, settings, another } = context
  const client = await context.client()
  const { url: root, socketPath, name } = client.target
  if (socketPath !== undefined)
    throw new Failure('usage', '--web opens a page of a server, and --db has none between', { hint: another(['ui']) })
  const given = Object.entries(query).filter((field): field is [string, string] => typeof field[1] === 'string')
  const search = new URLSearchParams(given).toString()
  const url = `${root.href.replace(/\/+$/, '')}/ui${path}${search === '' ? '' : `?${search}`}`
  const { status } = await client.probe('/ui/')
  if (status === 421)
    throw new Failure('misdirected', `browsers do not reach ${name} by this URL`, {
      hint: 'give --url as JOBS_PUBLIC_URL of the server has it',
    })
  if (status !== 200)
    throw new Failure('not_found', `${name} has no dashboard: it answers ${status}`, {
      hint: 'JOBS_UI=on or JOBS_UI=read at the server has one',
    })
  print.sentence({ url }, url, 'plain')
  if (io.outTerminal && settings.interactive && !(await io.openUrl(url)))
    print.aside('note: no program of this machine opens it')
  return 'ok'
}

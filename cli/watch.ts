import { Failure } from '../shared/errors.ts'
import type { Context } from './context.ts'
import type { Client } from './http/client.ts'
import type { Ending } from './output/print.ts'
import type { Column } from './output/table.ts'
import { pollForever } from './poll.ts'
import { groupedDigits } from './text/numbers.ts'
import { wrapped } from './text/wrap.ts'

const pauseMs = 2000

/** One look at rows. */
export interface Look<Row> {
  rows: readonly Row[]
  /** The answer of the API. */
  json: unknown
  /** The columns of NDJSON, for `--columns`. */
  columns: readonly Column<Row>[]
  /** What the screen has under its rows, and in place of rows where there are none. */
  below: readonly string[]
  empty: string
  /** The rows for people with their columns; asked for as many as fit the screen. */
  forPeople: (rows: readonly Row[]) => Promise<{ rows: readonly Row[]; columns: readonly Column<Row>[] }>
  /** What the rows are that do not fit, such as `more workers`. */
  more: string
}

/** Why no screen can be drawn, as the end of a sentence; undefined where the terminal moves its cursor, as that of Windows does without TERM. */
export function fixedCursor({ TERM, OS }: NodeJS.ProcessEnv): string | undefined {
  if (TERM ? TERM !== 'dumb' : OS === 'Windows_NT') return undefined
  return `needs a terminal that can move its cursor, and TERM is ${TERM || 'not set'}`
}

/** @throws Failure `usage` where nobody could read what is repeated, and for columns, which a screen has of its own */
function requireWatchable({ io, settings }: Context): void {
  if (!io.outTerminal && settings.output !== 'ndjson')
    throw new Failure('usage', '--watch needs a terminal, or --ndjson')
  const chosen = settings.columns === undefined ? (settings.template === undefined ? '' : '--template') : '--columns'
  const fixed = settings.output === 'ndjson' ? undefined : fixedCursor(io.env)
  if (fixed !== undefined) throw new Failure('usage', `--watch ${fixed}`)
  if (settings.output !== 'ndjson' && chosen !== '')
    throw new Failure('usage', `--watch and ${chosen} exclude each other without --ndjson`)
}

/**
 * Shows rows again every 2 seconds, until Ctrl-C: as a screen, or as lines of JSON with the time of their look in `at`.
 * @throws Failure `usage` where stdout is neither a terminal nor NDJSON
 */
export async function watch<Row>(context: Context, read: (client: Client) => Promise<Look<Row>>): Promise<Ending> {
  requireWatchable(context)
  return pollForever(context, pauseMs, async (client) => {
    const look = await read(client)
    const at = new Date().toISOString()
    if (context.settings.output === 'table') return drawScreen(context, look, at)
    const { json, rows, columns } = look
    const withTime = Array.isArray(json) ? json.map((row: object) => ({ at, ...row })) : json
    context.print.rows({ columns, rows, json: withTime, empty: '' })
  })
}

const toTop = '\u001b[H'
const clearToLineEnd = '\u001b[K'
const clearBelow = '\u001b[J'

/** Draws the rows that fit the screen, and clips the rest. Lines are overwritten in place, since a cleared screen flickers. */
async function drawScreen<Row>({ io, print }: Context, look: Look<Row>, at: string): Promise<void> {
  const { rows, empty, more } = look
  const below = look.below.flatMap((line) => (line === '' ? [''] : wrapped(line, io.columns)))
  // The time, a blank line, the head, and the line on which the cursor stays.
  const room = io.rows - below.length - 4
  const draw = async (most: number) => {
    const shown = await look.forPeople(rows.slice(0, Math.max(1, most)))
    const table = shown.rows.length > 0 ? await print.table(shown.columns, shown.rows) : empty
    return { shown: shown.rows.length, table: table.trimEnd().split('\n') }
  }
  const most = rows.length > room ? room - 1 : room
  let { shown, table } = await draw(most)
  // A narrow screen has lines below the head and the rows: what has no room.
  const beside = rows.length > most ? table.length - shown - 1 : 0
  if (beside > 0) ({ shown, table } = await draw(most - beside))
  const left = rows.length - shown
  const lines = [
    print.style.dim(at),
    '',
    ...table,
    ...(left > 0 ? [`and ${groupedDigits(left)} ${more}`] : []),
    ...below,
  ]
  const screen = lines.slice(0, Math.max(1, io.rows - 1)).map((line) => `${line}${clearToLineEnd}\n`)
  print.text(`${toTop}${screen.join('')}${clearBelow}`)
}

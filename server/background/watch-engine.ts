import { setTimeout as wait } from 'node:timers/promises'
import type { ServerContext } from '../call.ts'
import { createErrorLog } from '../database/errors/error-log.ts'
import { takeTask } from '../database/installation/background-tasks.ts'
import type { Sql } from '../database/sql.ts'
import { abilitiesOf, inWords } from '../engines/abilities.ts'
import { type Place, servedBy } from '../engines/served.ts'
import { watchedAt, watchPlace } from '../engines/watched.ts'
import type { IsPaused } from './background-pause.ts'

const pauseMs = 10_000
/** How long an event of one version is not written again: for ever. */
const forEver = 2_147_483_647

/**
 * Looks every 10 s whether an engine has migrated its tables, and whether row-level security hides rows, until the server stops. What is seen is
 * logged once. The first of all servers that sees changes closed writes the event `engine.writes_closed`.
 */
export async function watchEngine(
  { operatorSql: sql, log, stopping }: Pick<ServerContext, 'operatorSql' | 'log' | 'stopping'>,
  { isReady, isPaused }: { isReady: () => boolean; isPaused: IsPaused },
): Promise<void> {
  const errors = createErrorLog(log, 'looking at the tables of an engine')
  const told = new Map<string, string>()
  for (; !stopping.aborted; await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})) {
    if (!isReady()) continue
    try {
      for (const place of servedBy(sql).places) {
        await watchPlace(sql, place)
        const said = warningsOf(sql, place)
        if (said.text !== told.get(place.found.domain) && (said.text !== '' || told.has(place.found.domain)))
          log.warn(said.text || `jobs of the domain ${place.found.domain} can be counted and changed again`)
        told.set(place.found.domain, said.text)
        if (said.closed && !(await isPaused())) await noteClosed(sql, place, said.closed)
      }
      errors.clear()
    } catch (error) {
      if (!stopping.aborted) errors.warn(error)
    }
  }
}

/** What a place cannot do now and could at the start of the server. */
function warningsOf(sql: Sql, { adapter, found }: Place): { text: string; closed: Closed | undefined } {
  const powers = abilitiesOf(servedBy(sql)).places.find(({ schema }) => schema === found.domain)
  if (!powers) return { text: '', closed: undefined }
  const { changes, can, version = '' } = powers
  const { migrated, isOther } = watchedAt(found)
  const mayChange = servedBy(sql).mode !== 'look' && adapter.lookOnly === undefined
  const closed =
    mayChange && changes !== true && (migrated || isOther) ? { version, why: inWords(changes).toString() } : undefined
  const counts = can.stats === true || adapter.can.stats !== true ? [] : [inWords(can.stats).toString()]
  return { text: [...(closed ? [`no change is made any more: ${closed.why}`] : []), ...counts].join('; '), closed }
}

interface Closed {
  version: string
  why: string
}

/** Writes an event, once for each version of the tables, by whichever server. */
async function noteClosed(sql: Sql, { adapter, found }: Place, { version, why }: Closed): Promise<void> {
  if (!(await takeTask(sql, `engine.writes_closed ${found.schema} ${version}`, forEver))) return
  const attrs = { engine: adapter.engine, version, why }
  await sql`
    insert into job_events (domain, event_type, attrs_json)
    values (${found.domain}, 'engine.writes_closed', ${JSON.stringify(attrs)}::text::jsonb)`
}

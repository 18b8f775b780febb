import type { Sql } from 'postgres'
import type { Figure } from '../../figure.ts'
import { duration, measureAlternately } from '../../measure.ts'
import { connect } from '../../setup/api.ts'
import { startBareServer } from '../../setup/bare-server.ts'
import { manyGroups, manyGroupsCount } from '../../setup/large.ts'
import { statsPath } from './stats.ts'

/** The aim for one group, in microseconds. */
const aim = 13

const aimMs = (aim * manyGroupsCount) / 1000
const groups = manyGroupsCount.toLocaleString('en')

const againstAim: Figure = {
  name: `stats: ${groups} groups`,
  against: `${aim} µs a group`,
  ...{ unit: 'ms', ratio: 'ours / against', target: { atMost: 1 } },
  async measure(bench) {
    const { server } = await manyGroups(bench)
    return measureAlternately(
      { rounds: 25 },
      duration(() => server.api.load(statsPath)),
      async () => aimMs,
    )
  },
}

/** A table of the rows of the response, so that reading them counts nothing. */
const keepRows = (sql: Sql, rows: string) => sql`
  create temporary table counted as
  select *
  from json_to_recordset(${rows}::text::json) as counted (
    domain text, queue text, job_type text, queued bigint, scheduled bigint, processing bigint, quarantined bigint
  )`

/** No server could be faster than its HTTP and its database: a response that is there already, and rows that are counted already. */
const againstFloor: Figure = {
  name: `stats: ${groups} groups, beside the least`,
  against: 'bare node:http, same body, and the same rows in SQL',
  ...{ unit: 'ms', ratio: 'ours / against' },
  async measure(bench) {
    const { server, sql } = await manyGroups(bench)
    const body = JSON.stringify(await server.api.get(statsPath))
    const bare = await startBareServer(bench, body)
    const api = connect(bare.url)
    await keepRows(sql, body)
    const pair = await measureAlternately(
      { rounds: 25 },
      duration(() => server.api.load(statsPath)),
      duration(async () => {
        await api.load('/')
        await sql`select * from counted`
      }),
    )
    await api.close()
    bare.stop()
    return pair
  },
}

/** What stats cost by the number of groups. */
export const statsGroups: readonly Figure[] = [againstAim, againstFloor]

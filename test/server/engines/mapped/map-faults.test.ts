import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../../support/database/database.ts'
import { mapFile } from '../../../support/engines/mapped.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const head = 'table: app.jobs\nkey: id\nqueue: mail\ntimes: {created: at}\n'
const map = `${head}status: {queued: {state: 1}, failed: {}}\n`

describe('a fault of a map is told with its place, and as what it is', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await emptyDatabase()
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await sql.unsafe(`
      create schema app;
      create table app.jobs (
        id bigint primary key, state int, at timestamptz, doc json, page xml, code varchar(3), rate numeric(3, 2), place point
      );
      create table app.errors (job_id text, message text, doc json)`)
    await sql.end()
  })
  afterAll(() => database.drop())

  const check = async (text: string) => runServer(['init', '--check', '--map', await mapFile(text)], database.env)

  it.each([
    [
      `- ${map.trim().replaceAll('\n', '\n  ')}\n`,
      /:1:1: is a list: write tables: above it, for a file of several tables\n/,
    ],
    [`${head}status: 5\n`, /:5:9: status: must be \{column: name, map: /],
    [`${head}status: [{state: 1}]\n`, /:5:9: status: must be \{column: name, map: /],
    [`${head}status: {column: state, map: [queued]}\n`, /:5:30: status\.map: must be a map from values to states/],
    [`${head}status: {queued: {state: []}}\n`, /:5:26: status\.queued\.state: must have a value\n/],
    [`${head}status: {queued: []}\n`, /:5:18: status\.queued: must have a condition\n/],
    [
      `${map.replace('queue: mail', 'queue: {column: code}')}retry: {set: {state: 1, code: abc}}\n`,
      /:6:25: retry\.set\.code: is the column of queue, which is a part of the ids of jobs/,
    ],
    [map.replace('app.jobs', '"app.\\0"'), /:1:8: table: must be text without NUL or half characters\n/],
    [map.replace('queue: mail', 'queue: "\\uD800"'), /:3:8: queue: must be text without NUL or half characters\n/],
    [
      `${head}status: {column: code, map: {a: queued, "\\0": failed}}\n`,
      /:5:41: status\.map\..*: must be text without NUL or half characters\n/,
    ],
    [`${map}prune: {of: []}\n`, /:6:13: prune\.of: must be \[completed, …\], a list of states\n/],
    [
      `${map}retry: {set: [state]}\n`,
      /:6:14: retry\.set: must be a map from columns to values, such as \{state: 0\}\n/,
    ],
    [
      `${head}status: {column: doc, map: {"1": queued}}\n`,
      /:5:29: status\.map\.1: PostgreSQL compares no values of the type json/,
    ],
    [
      `${head}status: {queued: {page: [a, b]}}\n`,
      /:5:26: status\.queued\.page\.0: PostgreSQL compares no values of the type xml/,
    ],
    [
      `${map}error: {column: message, from: app.errors, where: {job_id: id}}\n`,
      /:6:60: error\.where\.job_id: PostgreSQL compares no column of type text with one of type int8\n/,
    ],
    [
      `${map}error: {column: message, from: app.errors, where: {message: code}, newest: doc}\n`,
      /:6:76: error\.newest: PostgreSQL has no order of values of the type json\n/,
    ],
    [`${map}retry: {set: {state: 1, code: abcd}}\n`, /:6:31: retry\.set\.code: has more than 3 characters/],
    [`${map}retry: {set: {state: 1, rate: 12}}\n`, /:6:31: retry\.set\.rate: is no value of the column rate/],
  ])('%s', async (text, fault) => {
    const { code, err } = await check(text)
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(fault) })
  })

  it('values that fit are none', async () => {
    const fits = `${map}retry: {set: {state: 1, code: abc, rate: 9, place: "(1,2)", doc: "{}"}}\nerror: {column: message, from: app.errors, where: {job_id: code}, newest: message}\n`
    expect(await check(fits)).toMatchObject({ code: 0, err: '' })
  })
})

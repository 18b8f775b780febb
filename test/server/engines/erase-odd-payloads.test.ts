import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { addJobs, dead, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const Answer = z.looseObject({
  preview: z.looseObject({ count: z.number(), token: z.string() }),
})

/** The type json takes what the type jsonb and the functions of json do not read. Each of these is of the person but for the last four. */
const payloads = [
  String.raw`{"to": "ann@x", "note": "a \u0000 b"}`,
  String.raw`{"to": "ann@x", "note": "\ud83d, and \ud83d\ud83d\ude00\ude00"}`,
  String.raw`{"to": "ann@x", "note": "\\\u0000\\u0000", "\u0000": 1}`,
  String.raw`{"to": "\u0061nn@x", "note": "\\u0000"}`,
  '{"to": "ann@x", "large": 1e200000}',
  String.raw`{"to": "ann\u0000@x"}`,
  String.raw`{"to": "bob@x", "note": "\u0000"}`,
  String.raw`["ann@x", "\udc00"]`,
  'null',
]
const ofPerson = 5

let served: ServedTables
let sql: postgres.Sql
beforeAll(async () => {
  served = await serveTables(
    async (made) => {
      sql = made
      await makeGraphileWorker({ sql })
      // The archive has the same payloads as the jobs.
      for (const columns of [dead, {}])
        for (const payload of payloads)
          await addJobs({ sql }, { task: 'mail', columns: { ...columns, payload: `'${payload}'` } })
    },
    { records: 'graphile-worker' },
  )
  expect(await served.post('prune', { domain: 'graphile_worker', older_than_days: 1 })).toMatchObject({
    body: { deleted: payloads.length },
  })
})
afterAll(() => served?.close())

const left = async (table: string) => {
  const rows = await sql<{ payload: string }[]>`select payload::text from ${sql(table)} order by id`
  return rows.map(({ payload }) => payload)
}

it('finds a person by the payload beside jobs whose payload has what jsonb does not keep', async () => {
  const request = { domain: 'graphile_worker', payload: [{ path: 'to', value: 'ann@x' }] }
  const previewed = await served.post('erase', { ...request, dry_run: true })
  expect(previewed).toMatchObject({ status: 200 })
  const { preview } = Answer.parse(previewed.body)
  expect(preview.count).toBe(2 * ofPerson)
  expect(await served.post('erase', { ...request, preview_token: preview.token })).toMatchObject({
    status: 200,
    body: { affected: 2 * ofPerson, erased: { jobs: ofPerson, archived: ofPerson } },
  })
  for (const table of ['graphile_worker._private_jobs', 'jobsctl.graphile_worker_archive'])
    expect(await left(table)).toEqual(payloads.slice(ofPerson))
})

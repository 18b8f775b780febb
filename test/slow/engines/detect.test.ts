import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase } from '../../support/database/database.ts'
import { homeMade } from '../../support/engines/home-made.ts'
import { mapFile } from '../../support/engines/mapped.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { sampled } from '../../support/sample.ts'

const Recorded = z.looseObject({ operation_id: z.number() })

describe('a map that was proposed', () => {
  it.each(sampled(homeMade, 4))(
    'serves stats, list, prune, retry and undo: $name',
    async ({ table, sql: statements, counts }) => {
      const database = await emptyDatabase()
      const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
      await sql.unsafe(statements)
      const found = await runServer(['init', '--detect'], database.env)
      const env = { ...database.env, JOBS_MAP_FILE: await mapFile(found.out) }
      expect(await runServer(['migrate', '--engine', 'mapped'], env)).toMatchObject({ code: 0, err: '' })
      const server = await startServer({ ...env, SINGLE_USER_API_KEY: 'key' })
      await server.prepared
      const send = async (method: string, path: string, body?: object) => {
        const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
        return call({ url: server.url, method, path: `/api/v1/jobs/${path}`, headers, ...(body && { body }) })
      }
      /** The rows as texts, but for what every change raises. */
      const rowsOf = async () =>
        (await sql.unsafe(`select (to_jsonb(j) - 'lock_version')::text as row from ${table} as j order by 1`)).map(
          ({ row }) => row,
        )
      try {
        const stats = z.array(z.record(z.string(), z.unknown())).parse((await send('GET', 'stats')).body)
        const sum = (name: string) => stats.reduce((all, group) => all + Number(group[name] ?? 0), 0)
        for (const state of ['processing', 'failed']) expect([state, sum(state)]).toEqual([state, counts[state] ?? 0])
        expect(sum('queued') + sum('scheduled')).toBe(counts.queued)
        const list = z
          .array(z.looseObject({ status: z.string(), queue: z.string() }))
          .parse((await send('GET', 'list?limit=100')).body)
        for (const [state, rows] of Object.entries(counts))
          expect([state, list.filter(({ status }) => status === state).length]).toEqual([state, rows])
        for (const queue of new Set(list.map((job) => job.queue))) {
          const inQueue = await send('GET', `list?limit=100&queue=${encodeURIComponent(queue)}`)
          expect(inQueue.body).toHaveLength(list.filter((job) => job.queue === queue).length)
        }

        const rows = await rowsOf()
        const domain = table.split('.')[0]
        for (const [path, body, answer] of [
          ['prune', { domain, statuses: ['failed'], older_than_days: 1 }, { deleted: counts.failed }],
          ['batch/retry', { domain }, { affected: counts.failed }],
        ] as const) {
          const changed = await send('POST', path, body)
          expect(changed).toMatchObject({ status: 200, body: answer })
          expect(await rowsOf()).not.toEqual(rows)
          const { operation_id: id } = Recorded.parse(changed.body)
          expect(await send('POST', `operations/${id}/undo`, {})).toMatchObject({ status: 200 })
          expect(await rowsOf()).toEqual(rows)
        }
      } finally {
        await server.stop()
        await sql.end()
        await database.drop()
      }
    },
  )
})

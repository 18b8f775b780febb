import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import { scale, stats } from '../../../shared/endpoints.ts'
import { emptyDatabase } from '../../support/database/database.ts'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { fillGraphileWorker, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { fillPgBoss, makePgBoss } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'

const engines: Record<string, (sql: postgres.Sql) => Promise<Record<string, string> | undefined>> = {
  'pg-boss': async (sql) => {
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
  },
  bullmq: async (sql) => {
    await makeBullMq({ sql, version: 11 })
    await fillBullMq({ sql, version: 11 })
  },
  'graphile-worker': async (sql) => {
    await makeGraphileWorker({ sql })
    await fillGraphileWorker({ sql })
  },
  mapped: async (sql) => {
    await makeEmailJobs(sql, 'bigint')
    await fillEmailJobs(sql, 500)
    return { JOBS_MAP_FILE: await mapFile(emailMap) }
  },
}

describe('how many workers a queue of another engine wants', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  it.each(Object.entries(engines))('%s: is made from the counts of the queue, for every queue', async (_name, make) => {
    const database = await emptyDatabase()
    closing.push(() => database.drop())
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    closing.push(() => sql.end())
    const env = (await make(sql)) ?? {}
    const server = await startServer({ ...database.env, ...env, SINGLE_USER_API_KEY: 'key' })
    closing.push(() => server.stop())
    await server.prepared
    const ask = async (path: string) => {
      const { status, body } = await call({
        ...{ url: server.url, method: 'GET', path },
        headers: { 'x-api-key': 'key' },
      })
      expect({ path, status, body }).toMatchObject({ status: 200 })
      return body
    }
    const groups = stats.output.parse(await ask(stats.path))
    const queues = new Map(groups.map(({ domain, queue }) => [JSON.stringify([domain, queue]), { domain, queue }]))
    expect(queues.size).toBeGreaterThan(0)
    for (const { domain, queue } of queues.values()) {
      const of = groups.filter((group) => group.domain === domain && group.queue === queue)
      const backlog = of.reduce((sum, { queued }) => sum + queued, 0)
      const running = of.reduce((sum, { processing }) => sum + processing, 0)
      const answer = scale.output.parse(await ask(`${scale.path}?${new URLSearchParams({ domain, queue })}`))
      expect(answer).toMatchObject({ domain, queue, known: true, backlog, running })
      expect(answer.wanted_workers).toBeGreaterThanOrEqual(running)
      expect(answer.wanted_workers).toBeLessThanOrEqual(answer.held_by === null ? running + backlog : running)
      if (backlog > 0 && answer.held_by === null) expect(answer.wanted_workers).toBeGreaterThan(running)
    }
    const [{ domain } = { domain: '' }] = queues.values()
    const unknown = scale.output.parse(await ask(`${scale.path}?${new URLSearchParams({ domain, queue: 'typo' })}`))
    expect(unknown).toMatchObject({ known: false, backlog: 0, running: 0, wanted_workers: 0 })
  })
})

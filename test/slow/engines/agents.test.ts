import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type AgentClient, overHttp, overStdio } from '../../support/access/agent-client.ts'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { fillGraphileWorker, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { fillPgBoss, makePgBoss, oddQueues } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

/** The tables of an engine, and a queue of theirs whose name is short enough for a pseudonym that can be read again. */
interface Made {
  queue: string
  make: (sql: postgres.Sql) => Promise<unknown>
}

const engines: Readonly<Record<string, Made>> = {
  'pg-boss': {
    queue: 'mail',
    async make(sql) {
      await makePgBoss({ sql, version: 46 })
      await fillPgBoss({ sql, version: 46 })
      // A job whose copy waits in the dead letter queue is not retried.
      await sql`delete from pgboss.job where name = ${oddQueues.dead}`
    },
  },
  bullmq: {
    queue: 'mail',
    async make(sql) {
      await makeBullMq({ sql, version: 11 })
      await fillBullMq({ sql, version: 11 })
    },
  },
  'graphile-worker': {
    queue: '_',
    async make(sql) {
      await makeGraphileWorker({ sql })
      await fillGraphileWorker({ sql })
    },
  },
  mapped: {
    queue: 'mail',
    async make(sql) {
      await makeEmailJobs(sql, 'text')
      await fillEmailJobs(sql, 100)
    },
  },
}

const Job = z.looseObject({ id: z.string(), domain: z.string(), queue: z.string() })
const Jobs = z.object({ jobs: z.array(Job) })
const Clusters = z.object({ clusters: z.array(z.looseObject({ sample_ids: z.array(z.string()) })) })
const Preview = z.object({ digest: z.string(), preview: z.object({ count: z.number() }) })
const Proposed = z.object({ plan: z.looseObject({ state: z.string() }) })

describe.each(Object.entries(engines))('an agent over the jobs of %s', (engine, { queue, make }) => {
  let served: ServedTables
  let doors: Record<'http' | 'stdio', AgentClient>
  beforeAll(async () => {
    const map = engine === 'mapped' ? { JOBS_MAP_FILE: await mapFile(emailMap) } : {}
    served = await serveTables(make, { records: engine, env: { AUTH_MODE: 'multi_user', ...map } })
    const run = async (...argv: string[]) => {
      const { code, out } = await runServer(argv, served.env)
      expect({ argv, code }).toEqual({ argv, code: 0 })
      return out.trim()
    }
    await run('agents', 'on')
    const person = await run('token', 'create', 'ann', '--role', 'operator')
    const mender = await run('token', 'create', 'mender', '--role', 'agent', '--of', 'ann')
    doors = { http: await overHttp(served, mender), stdio: await overStdio(served, person) }
  })
  afterAll(async () => {
    await Promise.all(Object.values(doors ?? {}).map(({ close }) => close()))
    await served?.close()
  })

  it.each(['http', 'stdio'] as const)(
    'reads a list, and each job of it by the id that it got, over %s',
    async (door) => {
      const { use } = doors[door]
      const { jobs } = Jobs.parse(await use('list_jobs', { queue, limit: 10 }))
      expect(jobs).toHaveLength(10)
      for (const { id, domain } of jobs) {
        expect(await use('show_job', { id })).toMatchObject({ id, domain, queue })
        expect(await use('explain_job', { id })).toHaveProperty('reasons')
      }
      expect(await use('overview')).toHaveProperty('queues')
      expect(await use('workers')).toHaveProperty('workers')
      expect(await use('history')).toBeDefined()
      expect(await use('events')).toHaveProperty('events')
    },
  )

  it.each(['http', 'stdio'] as const)('proposes a retry of failures, which a person decides, over %s', async (door) => {
    const { use } = doors[door]
    const { clusters } = Clusters.parse(await use('failure_clusters'))
    expect(clusters.flatMap(({ sample_ids }) => sample_ids)).not.toHaveLength(0)
    const { jobs } = Jobs.parse(await use('list_jobs', { queue, status: ['failed'], limit: 1 }))
    const filter = { domain: jobs[0]?.domain, queue }
    const { digest, preview } = Preview.parse(await use('preview_change', { kind: 'retry', filter }))
    expect(preview.count).toBeGreaterThan(0)
    const change = { kind: 'retry', filter, digest, reason: 'the host answers again' }
    expect(Proposed.parse(await use('propose_change', change)).plan).toMatchObject({ state: 'waiting' })
  })
})

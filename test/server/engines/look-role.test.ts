import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const role = `look_${Math.random().toString(36).slice(2)}`
let served: ServedTables
beforeAll(async () => {
  const place = { version: 11 }
  served = await serveTables(
    async (sql) => {
      await makeBullMq({ sql, ...place })
      await fillBullMq({ sql, ...place })
    },
    { records: 'bullmq' },
  )
})
afterAll(async () => {
  await served.sql.unsafe(`drop owned by ${role}; drop role ${role}`)
  await served.close()
})

it('the grants to look let a role read beside records, which it cannot change', async () => {
  expect(await runServer(['direct', 'on'], served.env)).toMatchObject({ code: 0 })
  const { code, out } = await runServer(['grants', '--look', '--role', role], served.env)
  expect({ code, out }).toMatchObject({ code: 0, out: expect.not.stringMatching(/insert|update|delete/) })
  await served.sql.unsafe(`create role ${role} login; ${out}`)
  const url = new URL(served.env.JOBS_DB_URL ?? '')
  url.username = role
  const run = (...argv: string[]) => runJobsctl([...argv, '--db', url.href])
  for (const argv of [['stats'], ['show', 'mail/50'], ['explain', 'bullmq/mail'], ['operations'], ['hold', 'list']])
    expect(await run(...argv)).toMatchObject({ code: 0 })
  expect(await run('retry', '--queue', 'mail', '--status', 'failed', '--dry-run')).toMatchObject({ code: 0 })
  const changed = await run('retry', '--queue', 'mail', '--status', 'failed', '--yes')
  expect(changed).toMatchObject({
    err: expect.stringContaining('its role may not write the records of changes; nothing was changed'),
  })
  const lines: string[] = []
  const looking = await startServer({ ...served.env, JOBS_DB_URL: url.href }, (line) => lines.push(line))
  await looking.prepared
  const { out: found } = await runJobsctl(['doctor', '--url', looking.url], { env: { JOBSCTL_API_KEY: 'key' } })
  expect(found).toMatch(/^state\s+ok/m)
  await looking.stop()
  expect(lines.join('\n')).toContain('may not write the records of changes')
  await served.sql.unsafe(`revoke usage on schema jobsctl from ${role}`)
  const lacking = await run('doctor')
  expect(lacking).toMatchObject({ code: 4, out: expect.stringContaining('grant usage on schema jobsctl to') })
  expect(lacking.out + lacking.err).not.toContain('lists all rights')
})

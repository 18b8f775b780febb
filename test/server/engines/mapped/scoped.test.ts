import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mapFile } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveTables } from '../../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const map = `table: app.jobs
key: id
queue: {column: queue}
status: {column: state, map: {waits: queued, dead: failed}}
times: {created: created_at}
retry: {set: {state: waits}}
`

describe('a token for one queue of a mapped table', () => {
  let served: ServedTables
  let token = ''
  beforeAll(async () => {
    served = await serveTables(
      (sql) =>
        sql.unsafe(`
          create schema app;
          create table app.jobs (id int primary key, queue text, state text, created_at timestamptz default now());
          insert into app.jobs values (1, 'secret', 'dead'), (2, 'mail', 'dead')`),
      { records: 'mapped', env: { AUTH_MODE: 'multi_user', JOBS_MAP_FILE: await mapFile(map) } },
    )
    const flags = ['token', 'create', 'narrow', '--role', 'operator', '--queue', 'app/mail']
    const { code, out, err } = await runServer(flags, served.env)
    expect({ code, err }).toMatchObject({ code: 0 })
    token = out.trim().split(/\s+/).at(-1) ?? ''
  })
  afterAll(() => served.close())
  const jobsctl = (...argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: served.url, JOBSCTL_TOKEN: token } })

  it.each([
    ['show', '1'],
    ['explain', '1'],
    ['list', '--ids', '1'],
    ['wait', '1', '--timeout', '1s'],
    ['retry', '1', '--dry-run'],
    ['retry', '1', '2', '--dry-run'],
  ])('does not tell to %s %s in which queue the job of a bare id lies', async (...argv) => {
    const { out, err } = await jobsctl(...argv)
    expect(out + err).not.toContain('secret')
  })

  it('finds the job of a bare id in its own queue', async () => {
    expect(await jobsctl('show', '2')).toMatchObject({ code: 0, out: expect.stringContaining('mail/2') })
  })
})

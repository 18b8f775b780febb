import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as endpoints from '../../../shared/endpoints.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { fillPgBoss, makePgBoss } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const lease = { worker_id: 'w', lease_id: 'l' }
/** What the calls about one job need beside its id. */
const bodies: Record<string, object> = {
  addAttachment: { kind: 'log', content_text: 'text' },
  complete: lease,
  fail: { ...lease, error: 'e' },
  release: lease,
  renew: lease,
  leasedJob: { lease_id: 'l' },
}
const all = Object.entries(endpoints).map(([name, endpoint]) => ({ method: 'GET', ...endpoint, name }))
const aboutJobs = all.filter(({ path }) => path.startsWith('/api/v1/jobs/:id'))

describe.each(['pg-boss', 'mapped'])('a call about the job with a number, over %s', (engine) => {
  let served: ServedTables
  beforeAll(async () => {
    served = await serveTables(
      async (sql) => {
        if (engine === 'mapped') {
          await makeEmailJobs(sql, 'bigint')
          await fillEmailJobs(sql, 20)
        } else {
          await makePgBoss({ sql, version: 46 })
          await fillPgBoss({ sql, version: 46 })
        }
      },
      { records: engine, ...(engine === 'mapped' && { env: { JOBS_MAP_FILE: await mapFile(emailMap) } }) },
    )
  })
  afterAll(() => served?.close())

  it.each(aboutJobs)('is no mistake of the server: $method $path', async ({ name, method, path }) => {
    for (const id of ['1', randomUUID()]) {
      const where = path.replace(':id', id)
      const { status, body } =
        method === 'GET'
          ? await served.get(where)
          : await served.post(where.replace('/api/v1/jobs/', ''), bodies[name] ?? {})
      // The key of a mapped table may be a number.
      const expected = method === 'GET' && engine === 'mapped' ? [200, 404, 422] : [404, 422]
      expect(expected, JSON.stringify(body)).toContain(status)
    }
  })

  it.each(['', '/explain', '/attachments'])(
    'with a key in its path names the call that takes one: GET …%s',
    async (end) => {
      expect(await served.get(`/api/v1/jobs/${encodeURIComponent('mail/1')}${end}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', hint: expect.stringContaining(`/api/v1/jobs/job${end}?key=`) },
      })
    },
  )

  it('names the call that cancels a job of an engine', async () => {
    expect(await served.post('1/cancel', {})).toMatchObject({
      status: 422,
      body: { code: 'not_supported', hint: expect.stringContaining('batch/cancel') },
    })
  })
})

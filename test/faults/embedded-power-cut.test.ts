import { describe, expect, it } from 'vitest'
import { newDatabase } from '../support/database/database.ts'
import { databaseFaults } from '../support/faults/database-faults.ts'
import { call } from '../support/http.ts'
import { embeddedServers, isReady, key } from '../support/programs/embedded-servers.ts'
import type { ServerProcess } from '../support/programs/spawn-server.ts'

const headers = { 'x-api-key': key }
const confirmed = 5

describe('the embedded database whose power is cut', () => {
  const { spawn } = embeddedServers()
  const add = ({ url }: ServerProcess) =>
    call({ url, method: 'POST', path: '/api/v1/jobs', headers, body: { domain: 'd', job_type: 't', payload: {} } })

  /**
   * Cuts the power when jobs were confirmed, on a disk that forgets all that no fsync followed.
   * Returns how many jobs are there afterwards: 0 when the database does not open.
   */
  async function jobsLeft(fsync: boolean): Promise<number> {
    const [{ env }, faults] = await Promise.all([newDatabase('embedded'), databaseFaults()])
    const durable = { ...env, JOBS_EMBEDDED_FSYNC: String(fsync) }
    await faults.inject({ kind: 'power cut', after: Number.MAX_SAFE_INTEGER })
    const server = await spawn({ ...durable, ...faults.env })
    await isReady(server)
    for (let count = 0; count < confirmed; count += 1) expect((await add(server)).status).toBe(201)
    await faults.inject({ kind: 'power cut' })
    await add(server).catch(() => {})
    expect((await server.ended).code).toBeNull() // a signal ended it
    await faults.heal()

    const again = await spawn(durable)
    const isOpen = await isReady(again).catch(() => again.ended.then(() => false))
    if (!isOpen) return 0
    const { body } = await call({ url: again.url, method: 'GET', path: '/api/v1/jobs/list?domain=d', headers })
    return Array.isArray(body) ? body.length : 0
  }

  it('has every job that was confirmed', async () => {
    expect(await jobsLeft(true)).toBeGreaterThanOrEqual(confirmed)
  }, 300_000)

  it('loses jobs when its commits do not wait for the disk: this disk does lose writes', async () => {
    expect(await jobsLeft(false)).toBeLessThan(confirmed)
  }, 300_000)
})

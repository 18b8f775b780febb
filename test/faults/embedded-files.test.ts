import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mount } from '../../scripts/campaigns/embedded/mounts.ts'
import { newDatabase, newFolder } from '../support/database/database.ts'
import { databaseFaults } from '../support/faults/database-faults.ts'
import { mountSmallDisk } from '../support/faults/small-disk.ts'
import { call } from '../support/http.ts'
import { until } from '../support/poll.ts'
import { embeddedServers, isReady, key, longMs } from '../support/programs/embedded-servers.ts'
import { runServer, type ServerProcess } from '../support/programs/spawn-server.ts'

const headers = { 'x-api-key': key }

describe('the embedded database whose files fail', () => {
  const { spawn, cleanUps } = embeddedServers()
  const add = ({ url }: ServerProcess) =>
    call({ url, method: 'POST', path: '/api/v1/jobs', headers, body: { domain: 'd', job_type: 't', payload: {} } })
  const hasStopped = (server: ServerProcess) => server.output.out.includes('the embedded database has stopped: ')
  const logged = (server: ServerProcess, text: string) =>
    until(`the log says ${text}`, () => server.output.out.includes(text), longMs)

  it('ends its server, which no second thread may outlive, when its thread waits for the disk', async () => {
    const [{ env }, faults] = await Promise.all([newDatabase('embedded'), databaseFaults()])
    const server = await spawn({ ...env, ...faults.env, JOBS_STATEMENT_TIMEOUT_SECONDS: '1' })
    await isReady(server)
    await faults.inject({ kind: 'stuck', once: true })
    await add(server).catch(() => {})

    const { code, out } = await server.ended
    expect(code).toBeNull() // a signal ended it
    expect(out).toContain('it has not answered for 2 s, and its thread, which waits for the disk, cannot be ended')
    expect(out).toContain('this process kills itself')
  }, 900_000)

  it('does not keep its server from ending at SIGTERM when its thread waits for the disk', async () => {
    const [{ env }, faults] = await Promise.all([newDatabase('embedded'), databaseFaults()])
    const server = await spawn({ ...env, ...faults.env, JOBS_SHUTDOWN_SECONDS: '2' })
    await isReady(server)
    await faults.inject({ kind: 'stuck' })
    const answer = add(server).catch(() => undefined)
    expect((await server.stop()).code).toBeNull()
    await answer
  })

  it('names the file, tries to open again, and ends its server, when the disk is read-only for good', async () => {
    const [{ env }, faults] = await Promise.all([newDatabase('embedded'), databaseFaults()])
    const server = await spawn({ ...env, ...faults.env })
    await isReady(server)
    expect((await add(server)).status).toBe(201)
    await faults.inject({ kind: 'EROFS' })
    expect((await add(server)).status).toBe(503)
    // A call that cannot open a table fails before it writes to the log. The database stops at the first commit that it cannot write.
    await until('the database stops', () => add(server).then(() => hasStopped(server)), longMs)

    const { code, out } = await server.ended
    expect(code).toBe(1)
    const stops = out.split('\n').filter((line) => line.includes('the embedded database has stopped: '))
    expect(stops).toHaveLength(5)
    for (const stop of stops) expect(stop).toContain('Read-only file system')
    expect(stops.at(-1)).toContain('; start the server again')
  }, 900_000)

  it('is made as soon as the disk has room, and the log says that it is full', async () => {
    const faults = await databaseFaults()
    await faults.inject({ kind: 'ENOSPC', after: 500 })
    const server = await spawn({ ...faults.env, JOBS_DATA_DIR: join(await newFolder('new'), 'data') })
    await logged(server, 'the embedded database has stopped: ')
    expect(server.output.out).toMatch(/no space left on device/i)
    await faults.heal()
    await isReady(server)
  })

  it('is not taken for hung while it is opened on a busy machine', async () => {
    const [{ env }, faults] = await Promise.all([newDatabase('embedded'), databaseFaults()])
    await faults.inject({ kind: 'pause', ms: 5000, after: 20, once: true })
    const server = await spawn({ ...env, ...faults.env, JOBS_STATEMENT_TIMEOUT_SECONDS: '1' })
    await isReady(server)
    expect(server.output.out).not.toContain('has not answered')
  })

  it('is refused on a read-only disk with the reason of the system, also in a folder that is not there', async ({
    skip,
  }) => {
    const disk = await mountSmallDisk(10)
    if (!disk) return skip('this process may not mount a disk')
    cleanUps.push(disk.unmount)
    mount(disk.folder, 'remount,ro')
    for (const folder of [disk.folder, join(disk.folder, 'new', 'data')]) {
      expect(await runServer([], { PORT: '0', SINGLE_USER_API_KEY: key, JOBS_DATA_DIR: folder })).toMatchObject({
        code: 2,
        err: expect.stringContaining('cannot be the data folder: read-only file system (EROFS)'),
      })
    }
  })
})

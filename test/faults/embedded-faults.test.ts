import { chmod, chown, cp, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newDatabase, newFolder } from '../support/database/database.ts'
import { mountSmallDisk } from '../support/faults/small-disk.ts'
import { call } from '../support/http.ts'
import { until } from '../support/poll.ts'
import { startServer } from '../support/programs/built.ts'
import { embeddedServers, isReady, key, longMs } from '../support/programs/embedded-servers.ts'
import { runServer } from '../support/programs/spawn-server.ts'
import { paths } from '../support/world.ts'

const headers = { 'x-api-key': key, 'x-confirm': 'true' }

describe('the embedded database in trouble', () => {
  const { spawn, cleanUps } = embeddedServers()
  const get = ({ url }: { url: string }, path: string) => call({ url, method: 'GET', path, headers })
  const add = ({ url }: { url: string }) => {
    const jobs = Array.from({ length: 1000 }, () => ({
      ...{ domain: 'd', queue: 'q', job_type: 't' },
      payload: { text: 'x'.repeat(900) },
    }))
    return call({ url, method: 'POST', path: '/api/v1/jobs/batch', headers, body: { jobs } })
  }

  it('answers at once when the disk is full, says so, and goes on when the disk has room', async ({ skip }) => {
    const disk = await mountSmallDisk(60)
    if (!disk) return skip('this process may not mount a disk')
    cleanUps.push(disk.unmount)
    const { env } = await newDatabase('embedded')
    await cp(env.JOBS_DATA_DIR ?? '', disk.folder, { recursive: true })
    const server = await spawn({ JOBS_DATA_DIR: disk.folder })
    await isReady(server)

    let confirmed = 0
    const refused = await until(
      'the disk is full',
      async () => {
        const answer = await add(server)
        if (answer.status !== 200 && answer.status !== 201) return answer
        confirmed += 1000
        return undefined
      },
      longMs,
    )
    expect(refused).toMatchObject({ status: 503, body: { detail: expect.stringContaining('the disk of the') } })
    await until('a change is refused without being sent', async () => {
      const { body } = await add(server)
      return JSON.stringify(body).includes('disk of the embedded database is full; nothing was changed')
    })
    await until('the log says so', () => server.output.out.includes('the disk of the data folder is full'))
    expect(server.output.out).toContain('the embedded database has stopped: ')
    expect((await get(server, '/readyz')).status).toBe(503)

    disk.grow(200)
    await isReady(server)
    const { body } = await get(server, paths.stats)
    const [row]: { queued: number }[] = Array.isArray(body) ? body : []
    // The batch that was not answered may be there, whole.
    expect([confirmed, confirmed + 1000]).toContain(row?.queued)
    expect((await server.stop()).code).toBe(0)
  })

  it('ends at SIGTERM in its time while the disk is full', async ({ skip }) => {
    const disk = await mountSmallDisk(60)
    if (!disk) return skip('this process may not mount a disk')
    cleanUps.push(disk.unmount)
    const { env } = await newDatabase('embedded')
    await cp(env.JOBS_DATA_DIR ?? '', disk.folder, { recursive: true })
    const server = await spawn({ JOBS_DATA_DIR: disk.folder, JOBS_SHUTDOWN_SECONDS: '5' })
    await isReady(server)
    await until(
      'the database has stopped',
      async () => {
        await add(server)
        return server.output.out.includes('the embedded database has stopped')
      },
      longMs,
    )

    const start = performance.now()
    expect((await server.stop()).code).toBe(0)
    expect(performance.now() - start).toBeLessThan(20_000)
  })

  it('is started again when its thread does not answer', async () => {
    const { env } = await newDatabase('embedded')
    const log: string[] = []
    const server = await startServer(
      { SINGLE_USER_API_KEY: key, JOBS_STATEMENT_TIMEOUT_SECONDS: '1', ...env },
      (line) => void log.push(line),
    )
    cleanUps.push(server.stop)
    await server.prepared
    await expect(server.sql`do 'begin loop end loop; end'`).rejects.toThrow('the embedded database has stopped')

    await until('calls are answered', async () => (await get(server, paths.stats)).status === 200, longMs)
    expect(log.join('\n')).toContain('the embedded database has stopped: it has not answered for 2 s')
  })

  it('does not keep a server from stopping when its thread does not answer', async () => {
    const { env } = await newDatabase('embedded')
    const server = await startServer({ SINGLE_USER_API_KEY: key, JOBS_SHUTDOWN_SECONDS: '2', ...env })
    await server.prepared
    const endless = server.sql`do 'begin loop end loop; end'`.catch((error: unknown) => error)

    const start = performance.now()
    await server.stop()
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(await endless).toBeInstanceOf(Error)
  })

  it('answers 503 while it is made, and the log says what the server waits for', async () => {
    const server = await spawn({ JOBS_DATA_DIR: join(await newFolder('new'), 'data') })
    expect(await get(server, '/readyz')).toMatchObject({ status: 503 })
    expect(await get(server, paths.stats)).toMatchObject({
      status: 503,
      body: { detail: 'the database is not ready yet; nothing was changed' },
    })
    expect(server.output.out).toContain('making the embedded database, which takes some seconds')
    await isReady(server)
    expect(server.output.out.indexOf('listening on')).toBeLessThan(server.output.out.indexOf('database is open'))
  })

  it('narrows the mode of its data folder to 700, and says so', async () => {
    const { env } = await newDatabase('embedded')
    await chmod(env.JOBS_DATA_DIR ?? '', 0o755)
    const server = await spawn(env)
    expect((await stat(env.JOBS_DATA_DIR ?? '')).mode & 0o777).toBe(0o700)
    expect(server.output.out).toContain('was 755 and is 700 now')
  })

  it('is not kept in a folder in which every user may make files, or of another user', async () => {
    const folder = join(await newFolder('shared'), 'data')
    await mkdir(folder)
    await chmod(folder, 0o1777)
    const env = { PORT: '0', SINGLE_USER_API_KEY: key, JOBS_DATA_DIR: folder }
    expect(await runServer([], env)).toMatchObject({
      code: 2,
      err: expect.stringContaining('every user may make files in it'),
    })
    if (process.getuid?.() !== 0) return
    await chown(folder, 12_345, 12_345)
    await chmod(folder, 0o755)
    expect(await runServer([], env)).toMatchObject({
      code: 2,
      err: expect.stringContaining('it belongs to another user'),
    })
  })
})

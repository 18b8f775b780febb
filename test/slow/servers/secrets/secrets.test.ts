import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { newDatabase, newFolder } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { runServer, type ServerProcess, spawnServer } from '../../../support/programs/spawn-server.ts'

const [first, second, third] = ['first', 'second', 'third'].map((name) => `${name}-key-of-the-tests`)

describe('the secrets of a server', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  async function open(more: Record<string, string>, secrets: Record<string, string>) {
    const folder = await newFolder('secrets')
    const files = Object.fromEntries(Object.keys(secrets).map((name) => [name, join(folder, name)]))
    const write = (name: string, text: string) => writeFile(files[name] ?? '', `${text}\n`)
    for (const [name, text] of Object.entries(secrets)) await write(name, text)
    const variables = Object.fromEntries(Object.entries(files).map(([name, file]) => [`${name}_FILE`, file]))
    const env = { JOBS_DATA_DIR: join(folder, 'data'), ...more, ...variables }
    return { env, files, write }
  }
  const started = async (env: Record<string, string>): Promise<ServerProcess> => {
    const server = await spawnServer(env)
    ending.push(() => server.kill())
    await until('the server is ready', async () => (await ask(server, '/readyz')).status === 200)
    return server
  }
  const ask = ({ url }: ServerProcess, path: string, headers: Record<string, string> = {}) =>
    call({ url, method: 'GET', path, headers })
  const statusWith = async (server: ServerProcess, key = '') =>
    (await ask(server, '/api/v1/caller', { 'x-api-key': key })).status
  const readAgain = async (server: ServerProcess, says: string) => {
    const before = server.output.out.length
    server.readAgain()
    await until('the server has read them again', () => server.output.out.slice(before).includes(says))
  }

  it('stand in files, are read again at SIGHUP, and what is of no use changes nothing', async () => {
    const database = await newDatabase('postgres')
    ending.push(database.drop)
    const { JOBS_DB_URL = '', ...rest } = database.env
    const { env, files, write } = await open(
      { ...rest, JOBS_METRICS: 'true' },
      {
        ...{ JOBS_DB_URL, SINGLE_USER_API_KEY: first ?? '', SINGLE_USER_API_KEY_PREVIOUS: second ?? '' },
        JOBS_METRICS_TOKEN: 'old-metrics',
      },
    )
    const server = await started(env)
    const metrics = async (token: string) =>
      (await ask(server, '/metrics', { authorization: `Bearer ${token}` })).status
    const all = () => Promise.all([first, second, third].map((key) => statusWith(server, key)))
    expect(await all()).toEqual([200, 200, 401])
    expect([await metrics('old-metrics'), await metrics('new-metrics')]).toEqual([200, 401])
    const response = await fetch(`${server.url}/api/v1/jobs/events/stream`, { headers: { 'x-api-key': second ?? '' } })
    const streamed = (async () => {
      for await (const _ of response.body ?? []);
      return 'over'
    })()
    await write('SINGLE_USER_API_KEY', third ?? '')
    await write('SINGLE_USER_API_KEY_PREVIOUS', first ?? '')
    await write('JOBS_METRICS_TOKEN', 'new-metrics')
    await readAgain(server, 'read the secrets again')
    expect(await all()).toEqual([200, 401, 200])
    expect([await metrics('old-metrics'), await metrics('new-metrics')]).toEqual([401, 200])
    expect(await streamed).toBe('over')
    await rm(files.SINGLE_USER_API_KEY_PREVIOUS ?? '')
    await readAgain(server, 'read the secrets again')
    expect(await all()).toEqual([401, 401, 200])
    await write('SINGLE_USER_API_KEY', second ?? '')
    await rm(files.JOBS_METRICS_TOKEN ?? '')
    await readAgain(server, 'the secrets stay as they were')
    expect(await all()).toEqual([401, 401, 200])
    expect(await metrics('new-metrics')).toBe(200)
    expect(server.output.out).not.toMatch(/(first|second|third)-key-of-the-tests|-metrics"/)
    expect((await server.stop()).code).toBe(0)
  })

  it('are refused where they are empty, given twice, or short on a server that others reach', async () => {
    const { env } = await open({ PORT: '0' }, { SINGLE_USER_API_KEY: '  ' })
    expect(await runServer([], env)).toMatchObject({ code: 2, err: expect.stringContaining('is empty') })
    const twice = await open({ PORT: '0', SINGLE_USER_API_KEY: first ?? '' }, { SINGLE_USER_API_KEY: second ?? '' })
    expect(await runServer([], twice.env)).toMatchObject({
      code: 2,
      err: expect.stringContaining('SINGLE_USER_API_KEY_FILE: SINGLE_USER_API_KEY is set, too'),
    })
    const short = await open({ PORT: '0', HOST: '0.0.0.0' }, { SINGLE_USER_API_KEY: 'fifteen-letters' })
    expect(await runServer([], short.env)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/SINGLE_USER_API_KEY has fewer than 16 characters[\s\S]*JOBS_ALLOW_SHORT_KEY=true/),
    })
    const token = await open(
      { PORT: '0', HOST: '0.0.0.0', SINGLE_USER_API_KEY: first ?? '' },
      { JOBS_METRICS_TOKEN: 'fifteen-letters' },
    )
    expect(await runServer([], token.env)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/JOBS_METRICS_TOKEN has fewer than 16 characters[\s\S]*JOBS_ALLOW_SHORT_KEY=true/),
    })
    for (const more of [{ HOST: '127.0.0.1' }, { JOBS_ALLOW_SHORT_KEY: 'true' }]) {
      const server = await spawnServer({ ...short.env, ...more })
      ending.push(() => server.kill())
      expect(server.output.out).toContain('SINGLE_USER_API_KEY has fewer than 16 characters')
      await server.kill()
    }
  })
})

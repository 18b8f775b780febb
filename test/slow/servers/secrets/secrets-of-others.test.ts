import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { roleWithPassword } from '../../../../scripts/launch/postgres.ts'
import { newDatabase, newFolder } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { readyServers } from '../../../support/programs/ready-servers.ts'
import type { ServerProcess } from '../../../support/programs/spawn-server.ts'
import { logInAt } from '../../../support/sign-on/person.ts'
import { client, newKey, startProvider } from '../../../support/sign-on/provider.ts'

const key = 'key-of-the-tests'

describe('secrets in a file', () => {
  const { spawnReady: spawn, killAll } = readyServers()
  const get = ({ url }: ServerProcess, path: string, headers: Record<string, string> = {}) =>
    call({ url, method: 'GET', path, headers })
  const statusOf = async (server: ServerProcess, path: string, headers: Record<string, string>) =>
    (await get(server, path, headers)).status
  /** SIGHUP, and what the server says of it. */
  async function reload(server: ServerProcess): Promise<string> {
    const before = server.output.out.length
    server.readAgain()
    return until(
      'the server has read its secrets',
      () => /"(SIGHUP: [^"]+)"/.exec(server.output.out.slice(before))?.[1],
    )
  }

  it('of the database are taken by new connections after SIGHUP, and the rest of the URL is not', async () => {
    const { env, drop } = await newDatabase('postgres')
    const operator = postgres(env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    const file = join(await newFolder('secrets'), 'url')
    const urlWith = (password: string, more: object = {}) =>
      `${Object.assign(new URL(env.JOBS_DB_URL ?? ''), { username: roleWithPassword, password, ...more }).href}\n`
    const setPassword = (password: string) => operator.unsafe(`alter role ${roleWithPassword} password '${password}'`)
    try {
      await operator.unsafe(`create role ${roleWithPassword} login superuser password 'p/1 é'`)
      await writeFile(file, urlWith('p/1 é'))
      const server = await spawn({
        JOBS_DATA_DIR: env.JOBS_DATA_DIR ?? '',
        JOBS_DB_URL_FILE: file,
        SINGLE_USER_API_KEY: key,
      })
      const stats = () => statusOf(server, '/api/v1/jobs/stats', { 'x-api-key': key })
      const disconnect = () => operator`
        select pg_terminate_backend(pid) from pg_stat_activity where usename = ${roleWithPassword} and datname = current_database()`
      await setPassword('p:2')
      await writeFile(file, urlWith('p:2'))
      await reload(server)
      await disconnect()
      await until('the server is back', async () => (await stats()) === 200)
      await writeFile(file, urlWith('p:2', { pathname: '/elsewhere' }))
      await reload(server)
      expect(server.output.out).toContain('JOBS_DB_URL differs in more than its password')
      expect(await stats()).toBe(200)
      expect(server.output.out).not.toMatch(/p:2|p%3A2/)
    } finally {
      await killAll()
      await operator.unsafe(`drop owned by ${roleWithPassword} cascade; drop role ${roleWithPassword}`).catch(() => {})
      await operator.end()
      await drop()
    }
  })

  it('of the client of single sign-on are taken by the next login after SIGHUP', async () => {
    const callback = 'https://ops.example/api/v1/session/callback'
    const provider = await startProvider({ keys: [await newKey('k')], groups: ['ops'], redirectUris: [callback] })
    try {
      const file = join(await newFolder('secrets'), 'client')
      await writeFile(file, 'a-secret-of-yesterday\n')
      const { env } = await newDatabase('postgres')
      const server = await spawn({
        ...{
          ...env,
          AUTH_MODE: 'multi_user',
          JOBS_PUBLIC_URL: 'https://ops.example',
          JOBS_OIDC_ISSUER: provider.issuer,
        },
        ...{ JOBS_OIDC_CLIENT_ID: client.id, JOBS_OIDC_CLIENT_SECRET_FILE: file },
        JOBS_OIDC_ROLES: '[{"claim": "groups", "value": "ops", "role": "operator"}]',
      })
      const headers = { host: 'ops.example' }
      const logIn = async () => {
        const begun = await get(server, '/api/v1/session/sign-on', headers)
        const back = await logInAt(begun.headers.location ?? '', { name: 'ann', returnsTo: callback })
        const cookie = begun.headers['set-cookie']?.split(';')[0] ?? ''
        const more = { ...headers, cookie, 'sec-fetch-site': 'cross-site' }
        return statusOf(server, back.replace('https://ops.example', ''), more)
      }
      expect(await logIn()).toBe(503)
      await writeFile(file, `${client.secret}\n`)
      expect(await logIn()).toBe(503)
      await reload(server)
      expect(await logIn()).toBe(200)
    } finally {
      await provider.stop()
    }
  })

  it('of the client stay as they were where the file is empty', async () => {
    const file = join(await newFolder('secrets'), 'client')
    await writeFile(file, client.secret)
    const { env } = await newDatabase('postgres')
    const server = await spawn({
      ...{ ...env, AUTH_MODE: 'multi_user', JOBS_OIDC_ISSUER: 'https://idp.example', JOBS_OIDC_CLIENT_ID: client.id },
      ...{
        JOBS_PUBLIC_URL: 'https://ops.example',
        JOBS_OIDC_CLIENT_SECRET_FILE: file,
        JOBS_OIDC_ROLES: '[{"claim": "groups", "value": "ops", "role": "operator"}]',
      },
    })
    await writeFile(file, ' \n')
    expect(await reload(server)).toContain('the secrets stay as they were')
  })
})

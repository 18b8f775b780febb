import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, type ThrowawayPostgres } from '../../../../scripts/launch/postgres.ts'
import { unprivileged } from '../../../../scripts/launch/postgres-binaries.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { runServer, spawnServer } from '../../../support/programs/spawn-server.ts'

const key = 'key-of-the-tests'

let folder: string
let plain: ThrowawayPostgres
let encrypted: ThrowawayPostgres
let silent: Server
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobs-conninfo-'))
  await chmod(folder, 0o777)
  makeCertificates()
  const account = unprivileged()
  if (account) await chown(join(folder, 'server.key'), account.uid, account.gid)
  plain = await startPostgres([`unix_socket_directories='${folder}'`])
  encrypted = await startPostgres([
    'ssl=on',
    `ssl_cert_file='${folder}/server.crt'`,
    `ssl_key_file='${folder}/server.key'`,
  ])
  for (const { url } of [plain, encrypted]) {
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    for (const name of ['keyword', 'socket', 'url', 'several', 'my jobs', 'tls'])
      await sql.unsafe(`create database "${name}"`)
    await sql.unsafe(`create role ann login superuser; create role "it's \\ann" login superuser`)
    await sql.end()
  }
  silent = createServer(() => {})
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  silent.close()
  await Promise.all([plain.stop(), encrypted.stop()])
  await rm(folder, { recursive: true, force: true })
})

/** An authority, another one, and a certificate of the first for localhost. */
function makeCertificates(): void {
  const run = (line: string) => execFileSync('sh', ['-c', line], { cwd: folder, stdio: 'ignore' })
  for (const name of ['ca', 'other'])
    run(
      `openssl req -new -x509 -nodes -days 30 -newkey rsa:2048 -subj /CN=${name} -keyout ${name}.key -out ${name}.crt`,
    )
  run('openssl req -new -nodes -newkey rsa:2048 -subj /CN=localhost -keyout server.key -out server.csr')
  run(
    'printf "subjectAltName=DNS:localhost" > san; openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile san -out server.crt',
  )
  run('chmod 600 server.key')
}

const portOf = (url: string) => new URL(url).port

/** Migrates the database of a connection string, and returns the line of the log in which a server says where it is. */
async function placeOf(conninfo: string, env: Record<string, string> = {}): Promise<string> {
  const data = await mkdtemp(join(folder, 'data-'))
  const server = await spawnServer({ JOBS_DB_URL: conninfo, JOBS_DATA_DIR: data, SINGLE_USER_API_KEY: key, ...env })
  try {
    await until('the server is ready', async () => {
      const { status } = await call({ url: server.url, method: 'GET', path: '/readyz' })
      return status === 200
    })
    const job = { domain: 'd', queue: 'q', job_type: 't', payload: {} }
    const headers = { 'x-api-key': key }
    expect(await call({ url: server.url, method: 'POST', path: '/api/v1/jobs', body: job, headers })).toMatchObject({
      status: 201,
    })
    return /.*connected to the database.*/.exec(server.output.out)?.[0] ?? server.output.out
  } finally {
    await server.stop()
  }
}

const refusal = async (conninfo: string, env: Record<string, string> = {}) => {
  const { code, err, out } = await runServer([], {
    JOBS_DB_URL: conninfo,
    JOBS_DATA_DIR: folder,
    PORT: '0',
    SINGLE_USER_API_KEY: key,
    ...env,
  })
  return { code, err, out }
}

describe('JOBS_DB_URL', () => {
  it('is a socket in the forms of libpq, and the log says which database that is', async () => {
    const port = portOf(plain.url)
    const at = `connected to the database socket at the socket ${folder}/.s.PGSQL.${port} as the role ann`
    for (const conninfo of [
      `postgres:///socket?host=${folder}&port=${port}&user=ann`,
      `postgres://ann@${encodeURIComponent(folder)}:${port}/socket`,
      `host=${folder} port=${port} dbname=socket user=ann`,
    ])
      expect(await placeOf(conninfo)).toContain(at)
    expect(await placeOf('dbname=socket user=ann', { PGHOST: folder, PGPORT: port })).toContain(at)
  })

  it('is key words with quotes and escapes', async () => {
    const port = portOf(plain.url)
    expect(
      await placeOf(
        `host='127.0.0.1' port = ${port} dbname='my jobs' user='it\\'s \\\\ann' application_name=jobs\\ one password='never shown'`,
      ),
    ).toContain(`connected to the database my jobs at 127.0.0.1:${port} as the role it's \\\\ann`)
  })

  it('is several hosts, of which the first that answers is taken', async () => {
    const port = portOf(plain.url)
    const nowhere = '127.0.0.1:1'
    expect(await placeOf(`postgres://ann@${nowhere},127.0.0.1:${port}/several`)).toContain(`at 127.0.0.1:${port}`)
    expect(await placeOf(`host=127.0.0.1,${folder} port=1,${port} user=ann dbname=several`)).toContain(
      `at the socket ${folder}`,
    )
  })

  it('takes options and the attributes of a session', async () => {
    const port = portOf(plain.url)
    const sql = postgres(Object.assign(new URL(plain.url), { pathname: '/url' }).href, { max: 1, onnotice: () => {} })
    try {
      await sql`create schema own`
      const options = encodeURIComponent('-c search_path=own')
      await placeOf(
        `postgres://ann@127.0.0.1:${port}/url?options=${options}&target_session_attrs=read-write&connect_timeout=3`,
      )
      expect(await sql`select tablename from pg_tables where schemaname = 'own' and tablename = 'jobs'`).toHaveLength(1)
      await sql`alter role ann set default_transaction_read_only = on`
      const { err, code } = await runServer(['token', 'list'], {
        JOBS_DB_URL: `postgres://ann@127.0.0.1:${port}/url?target_session_attrs=read-write`,
      })
      expect({ code, err }).toMatchObject({
        code: 7,
        err: expect.stringContaining('no host takes sessions that are read-write'),
      })
    } finally {
      await sql`alter role ann reset default_transaction_read_only`
      await sql.end()
    }
  })

  it.each([
    ['postgres://db/x?sslmod=require', 'JOBS_DB_URL: has the parameter sslmod, which this server does not take'],
    ['host=db service=prod', 'JOBS_DB_URL: has a service that is not in'],
    [
      'postgres://ann:secret@db/x?sslmode=strict',
      'JOBS_DB_URL: has sslmode with a value that this server does not take',
    ],
    ['postgres://ann:secret@db:none/x', 'JOBS_DB_URL: has a port that is not a number'],
    ['mysql://ann:secret@db/x', 'JOBS_DB_URL: must be postgres://'],
  ])('ends with exit 2 and the name of the parameter: %s', async (conninfo, says) => {
    const { code, err } = await refusal(conninfo)
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(says) })
    expect(err).not.toContain('secret')
  })
})

describe('sslmode', () => {
  const urlOf = (host: string, more: string, server = encrypted) =>
    `postgres://ann@${host}:${portOf(server.url)}/tls?${more}`

  it.each([
    ['prefer, which is the default, at a server with TLS', 'localhost', '', true],
    ['prefer at a server without TLS', 'plain', 'sslmode=prefer', false],
    ['allow at a server without TLS', 'plain', 'sslmode=allow', false],
    ['disable', 'localhost', 'sslmode=disable', false],
    ['require, whatever the certificate is', '127.0.0.1', 'sslmode=require', true],
    ['require with an authority', 'localhost', 'sslmode=require&sslrootcert=ca.crt', true],
    ['verify-ca, whatever the name is', '127.0.0.1', 'sslmode=verify-ca&sslrootcert=ca.crt', true],
    ['verify-full', 'localhost', 'sslmode=verify-full&sslrootcert=ca.crt', true],
  ])('connects: %s', async (_, host, more, isEncrypted) => {
    const parameters = more.replace('ca.crt', encodeURIComponent(join(folder, 'ca.crt')))
    const line = await placeOf(host === 'plain' ? urlOf('127.0.0.1', parameters, plain) : urlOf(host, parameters))
    if (isEncrypted) expect(line).toContain('"tls":"TLSv1.3"')
    else expect(line).not.toContain('"tls"')
  })

  it.each([
    [
      'verify-full at a server without TLS',
      'plain',
      'sslmode=verify-full&sslrootcert=ca.crt',
      /takes no TLS, and sslmode=verify-full needs it/,
    ],
    ['require at a server without TLS', 'plain', 'sslmode=require', /takes no TLS, and sslmode=require needs it/],
    [
      'verify-full with another name',
      '127.0.0.1',
      'sslmode=verify-full&sslrootcert=ca.crt',
      /TLS with .* fails under sslmode=verify-full: .*altnames/i,
    ],
    [
      'verify-full with another authority',
      'localhost',
      'sslmode=verify-full&sslrootcert=other.crt',
      /fails under sslmode=verify-full: .*certificate/,
    ],
    [
      'verify-full with the authorities of Node',
      'localhost',
      'sslmode=verify-full',
      /fails under sslmode=verify-full: .*certificate/,
    ],
    [
      'verify-ca with another authority',
      'localhost',
      'sslmode=verify-ca&sslrootcert=other.crt',
      /fails under sslmode=verify-ca/,
    ],
    [
      'require with another authority',
      'localhost',
      'sslmode=require&sslrootcert=other.crt',
      /fails under sslmode=require/,
    ],
    [
      'an authority that is not there',
      'localhost',
      'sslmode=verify-full&sslrootcert=none.crt',
      /sslrootcert with a file that cannot be read/,
    ],
  ])('ends with exit 2 and says why: %s', async (_, host, more, says) => {
    const parameters = more.replace(/\w+\.crt/, (file) => encodeURIComponent(join(folder, file)))
    const conninfo = host === 'plain' ? urlOf('127.0.0.1', parameters, plain) : urlOf(host, parameters)
    const { code, err } = await refusal(conninfo)
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(says) })
  })

  it('waits no longer than connect_timeout for a server that accepts and says nothing', async () => {
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : 0
    const { code, err } = await runServer(['token', 'list'], {
      JOBS_DB_URL: `postgres://ann@127.0.0.1:${port}/x?sslmode=require&connect_timeout=2`,
    })
    expect({ code, err }).toMatchObject({ code: 7, err: expect.stringContaining('within 2 s') })
  })

  it('is also that of PGSSLMODE, and a command says what is wrong with the TLS of a server', async () => {
    const env = { JOBS_DB_URL: urlOf('127.0.0.1', '', plain), PGSSLMODE: 'require' }
    expect(await runServer(['token', 'list'], env)).toMatchObject({
      err: expect.stringContaining('takes no TLS, and sslmode=require needs it'),
    })
  })
})

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { conninfoFault, readTarget } from '../../../server/env/conninfo-target.ts'
import { parseConninfo } from '../../../shared/conninfo.ts'

const parsed = (text: string) => Object.fromEntries(parseConninfo(text))

/** Any text that an environment variable can hold. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !value.includes('\0'))
const filled = text.filter((value) => value !== '')
const name = fc.stringMatching(/^[a-z_]{1,12}$/)

describe('key words', () => {
  const quoted = (value: string) => `'${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`
  const escaped = (value: string) => value.replaceAll(/[\\'\s]/g, String.raw`\$&`)
  const space = fc.stringMatching(/^[ \t\n\v\f\r]{0,2}$/)

  it('are read back as they were written, in quotes or with backslashes, whatever spaces stand between them', () => {
    const pair = fc.record({ name, value: text, isQuoted: fc.boolean(), before: space, after: space })
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 6 }), (pairs) => {
        const written = pairs.map(({ name, value, isQuoted, before, after }) => {
          return `${name}${before}=${after}${isQuoted || value === '' ? quoted(value) : escaped(value)}`
        })
        expect(parseConninfo(written.join(' '))).toEqual(new Map(pairs.map(({ name, value }) => [name, value])))
      }),
    )
  })

  it.each([
    ['host=/run/postgresql dbname=jobs', { host: '/run/postgresql', dbname: 'jobs' }],
    ["host = db  dbname= 'my jobs' password='it\\'s \\\\'", { host: 'db', dbname: 'my jobs', password: "it's \\" }],
    ['host=a host=b', { host: 'b' }],
    // As libpq: spaces behind the sign of equality belong to nothing.
    ['host= dbname=x', { host: 'dbname=x' }],
    ["user='' dbname=x", { user: '', dbname: 'x' }],
  ])('are read: %s', (written, parameters) => expect(parsed(written)).toEqual(parameters))
})

describe('a URL', () => {
  it('is read back as it was written', () => {
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
      fc.constant('%2Frun%2Fpostgresql'),
    )
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }).map(String), { nil: '' })
    const parts = fc.record({
      prefix: fc.constantFrom('postgres', 'postgresql'),
      user: fc.option(filled, { nil: undefined }),
      password: fc.option(filled, { nil: undefined }),
      hosts: fc.array(fc.tuple(host, port), { minLength: 1, maxLength: 3 }),
      database: fc.option(filled, { nil: undefined }),
      query: fc.uniqueArray(
        fc.tuple(
          name.filter((known) => !['ssl', 'user', 'host', 'port'].includes(known)),
          text,
        ),
        {
          selector: ([known]) => known,
          maxLength: 3,
        },
      ),
    })
    fc.assert(
      fc.property(parts, ({ prefix, user, password, hosts, database, query }) => {
        const credentials =
          user === undefined
            ? ''
            : `${encodeURIComponent(user)}${password === undefined ? '' : `:${encodeURIComponent(password)}`}@`
        const list = hosts.map(([host, port]) => (port === '' ? host : `${host}:${port}`)).join(',')
        const path = database === undefined ? '' : `/${encodeURIComponent(database)}`
        const pairs = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        const ports = hosts.map(([, port]) => port)
        expect(
          parsed(`${prefix}://${credentials}${list}${path}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`),
        ).toEqual({
          ...(user !== undefined && { user, ...(password !== undefined && { password }) }),
          host: hosts.map(([host]) => decodeURIComponent(host.replaceAll(/[[\]]/g, ''))).join(','),
          ...(ports.some(Boolean) && { port: ports.join(',') }),
          ...(database !== undefined && { dbname: database }),
          ...Object.fromEntries(query),
        })
      }),
    )
  })

  it.each([
    ['postgres:///db?host=/run/postgresql', { dbname: 'db', host: '/run/postgresql' }],
    ['postgres://%2Frun%2Fpostgresql/db', { dbname: 'db', host: '/run/postgresql' }],
    ['postgres://ann:p?w#d@db', { user: 'ann', password: 'p?w#d', host: 'db' }],
    ['postgres://ann:p@w@db/x', { user: 'ann', password: 'p@w', host: 'db', dbname: 'x' }],
    ['postgres://db?sslmode=require', { host: 'db', sslmode: 'require' }],
    ['postgres://db/x?ssl=true', { host: 'db', dbname: 'x', sslmode: 'require' }],
    ['postgres://a,b:2,/x', { host: 'a,b,', port: ',2,', dbname: 'x' }],
    ['postgres://', {}],
    ['postgres:///', {}],
    ['postgres://db/a?host=other&host=last', { dbname: 'a', host: 'last' }],
    ['postgres://db/a+b?application_name=a+b', { host: 'db', dbname: 'a+b', application_name: 'a+b' }],
  ])('is read: %s', (written, parameters) => expect(parsed(written)).toEqual(parameters))
})

describe('a fault', () => {
  it.each([
    ['postgres://db/x?sslmod=require', /the parameter sslmod, which/],
    ['postgres://db/x?sslcrl=/a', /the parameter sslcrl,/],
    ['service=in_no_file', /a service that is not in .*pg_service\.conf/],
    ['host=db sslmode=verify_full', /sslmode with a value .*verify-full/],
    ['host=db target_session_attrs=standby', /target_session_attrs with a value/],
    ['host=db port=none', /a port that is not a number/],
    ['host=a,b port=1,2,3', /another number of ports than of hosts/],
    ['host=db connect_timeout=soon', /connect_timeout that is no whole number/],
    [
      'host=db sslmode=verify-full sslrootcert=/no/such/file',
      /sslrootcert with a file that cannot be read: no such file/,
    ],
    ['host=db sslmode=require sslrootcert=system', /sslrootcert=system, which needs sslmode=verify-full/],
    ["host='db", /a ' that does not end/],
    ['host', /a word has no = behind it/],
    ['mysql://db/x', /a word has no = behind it/],
    ['postgres://db/%zz', /a % that is no part/],
    ['postgres://db/%00', /%00/],
    ['postgres://[::1/x', /brackets/],
    ['postgres://db/x?a', /name=value/],
    ['postgres://db/x?a=b=c', /name=value/],
  ])('is told for %s', (written, says) => expect(conninfoFault(written)).toMatch(says))

  it('is told without a value, for any text, and no text throws', () => {
    const secret = 'S3cretW0rd'
    const piece = fc.constantFrom(
      'postgres://',
      'host',
      '=',
      "'",
      '@',
      ':',
      '/',
      '?',
      '&',
      '%',
      ' ',
      '[',
      ',',
      'sslmode',
      'port',
      '\\',
      secret,
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
        (written) => {
          expect(conninfoFault(written) ?? '').not.toContain(secret)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('what stands in the environment', () => {
  it('holds where the connection string says nothing', () => {
    const environment = { PGHOST: '/run/postgresql', PGPORT: '5433', PGSSLMODE: 'disable' }
    expect(readTarget('dbname=x', environment)).toMatchObject({
      hosts: [{ name: '/run/postgresql', port: 5433, socket: '/run/postgresql/.s.PGSQL.5433' }],
      tls: { mode: 'disable' },
    })
    expect(readTarget('host=db port=1', environment).hosts).toEqual([
      { name: 'db', address: undefined, port: 1, socket: undefined },
    ])
    expect(() => readTarget('host=db', { PGSSLMODE: 'maybe' })).toThrow(/sslmode with a value/)
    expect(() => readTarget('host=db', { PGREQUIREAUTH: 'scram-sha-256' })).toThrow(/the parameter require_auth/)
  })
})

describe('files of libpq', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'libpq-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function passfile(mode: number, ...lines: string[]): Promise<string> {
    const path = join(folder, 'pgpass')
    await writeFile(path, lines.map((line) => `${line}\n`).join(''))
    await chmod(path, mode)
    return path
  }

  it('give the password of the line that fits first', async () => {
    const PGPASSFILE = await passfile(
      0o600,
      '# a comment: with colons',
      'db2:*:orders:ann:second',
      String.raw`db\:1:5433:*:a\\b:of:colons`,
      'localhost:*:*:*:by a socket',
      '*:*:*:ann:any',
    )
    const passwordOf = (conninfo: string, more = {}) => readTarget(conninfo, { PGPASSFILE, ...more }).password
    expect(passwordOf('postgres://ann@db2/orders')).toBe('second')
    expect(passwordOf('postgres://ann@db3,db2/orders')).toBe('any')
    expect(passwordOf(String.raw`host=db:1 port=5433 user=a\\b dbname=x`)).toBe('of:colons')
    expect(passwordOf('host=/var/run/postgresql user=bob dbname=x')).toBe('by a socket')
    expect(passwordOf('host=db9 dbname=x user=bob')).toBeUndefined()
    expect(passwordOf('host=db9 dbname=x', { PGUSER: 'ann' })).toBe('any')
    expect(passwordOf('postgres://ann:given@db2/orders')).toBe('given')
    // The driver reads PGPASSWORD, which comes before the file.
    expect(passwordOf('postgres://ann@db2/orders', { PGPASSWORD: 'x' })).toBeUndefined()
  })

  it('give no password where others can read the file', async () => {
    const PGPASSFILE = await passfile(0o640, '*:*:*:*:secret')
    expect(readTarget('host=db', { PGPASSFILE }).password).toBeUndefined()
  })

  it('give the parameters of a service, below those of the connection string and above those of the environment', async () => {
    const PGSERVICEFILE = join(folder, 'pg_service.conf')
    await writeFile(
      PGSERVICEFILE,
      '[other]\nhost=x\n\n# ours\n[orders]\nhost=db1\nport=5433\ndbname=orders\nuser=ann\npassword=a=b\n[last]\nhost=y\n',
    )
    const environment = { PGSERVICEFILE, PGPORT: '1', PGDATABASE: 'no' }
    const target = readTarget('service=orders user=bob', environment)
    expect(target).toMatchObject({ user: 'bob', password: 'a=b', database: 'orders' })
    expect(target.hosts).toMatchObject([{ name: 'db1', port: 5433 }])
    expect(readTarget('', { ...environment, PGSERVICE: 'last' }).hosts).toMatchObject([{ name: 'y', port: 1 }])
    expect(() => readTarget('service=none', environment)).toThrow(/a service that is not in .*pg_service.conf/)
    await writeFile(PGSERVICEFILE, '[orders]\nnonsense=1\n')
    expect(() => readTarget('service=orders', environment)).toThrow(/the parameter nonsense/)
  })
})

/** What a program says as it begins a session. */
interface Startup {
  [name: string]: string | undefined
}

describe.skipIf(!existsSync('/usr/bin/psql'))('psql', () => {
  let server: Server
  let heard: (startup: Startup) => void = () => {}
  beforeAll(async () => {
    server = createServer((socket) => listenToStart(socket, (startup) => heard(startup)))
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => void server.close())

  const portOf = () => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  /** How psql understands a connection string, by what it sends to a server. */
  async function asPsql(conninfo: string): Promise<Startup> {
    const said = new Promise<Startup>((resolve) => {
      heard = resolve
    })
    const env = { PATH: process.env.PATH, HOME: '/nonexistent', PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' }
    const running = promisify(execFile)('psql', ['-w', '-X', '-d', conninfo, '-c', 'select 1'], { env }).catch(
      (error: unknown) => error,
    )
    return Promise.race([said, running.then((error) => ({ failed: String(error) }))])
  }

  it('reads user, password, database and the application as this server does', async () => {
    const value = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 })
    const parts = fc.record({
      user: value,
      password: value,
      dbname: value,
      application_name: value,
      isUrl: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(parts, async ({ isUrl, ...values }) => {
        const { user, password, dbname, application_name } = values
        const encode = encodeURIComponent
        const conninfo = isUrl
          ? `postgres://${encode(user)}:${encode(password)}@127.0.0.1:${portOf()}/${encode(dbname)}?application_name=${encode(application_name)}`
          : Object.entries({ host: '127.0.0.1', port: String(portOf()), ...values })
              .map(([name, value]) => `${name}='${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`)
              .join(' ')
        const target = readTarget(conninfo, {})
        expect({ user: target.user, password: target.password, database: target.database }).toEqual({
          user,
          password,
          database: dbname,
        })
        expect(await asPsql(conninfo)).toMatchObject({ user, database: dbname, password })
      }),
      { numRuns: 25 },
    )
  })
})

/** Answers a start with the request for a password, and tells what it heard. */
function listenToStart(socket: Socket, heard: (startup: Startup) => void): void {
  let startup: Startup | undefined
  socket.on('error', () => {})
  socket.on('data', (data) => {
    if (!startup) {
      const words = data.subarray(8).toString('utf8').split('\0')
      startup = {}
      for (let at = 0; at + 1 < words.length; at += 2) startup[words[at] ?? ''] = words[at + 1]
      socket.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 3])) // a password in clear text
      return
    }
    heard({ ...startup, password: data.subarray(5, -1).toString('utf8') })
    socket.destroy()
  })
}

import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { newFolder } from '../../support/database/database.ts'
import { makePgBoss } from '../../support/engines/pg-boss.ts'
import { type ConfigHome, configHome } from '../../support/programs/config-home.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { postgresTemplate, postgresUrl } from '../../support/run/shared.ts'

/** What the names of these databases and the role begin with; `_` is also the wildcard of LIKE. */
const prefix = `f${randomBytes(6).toString('hex')}`
const names = ['boss', 'closed', 'empty', "it's", 'own', 'river'].map((name) => `${prefix}_${name}`)

let url: URL
let operator: postgres.Sql
/** The variable by which libpq finds the service `eu`. */
let services: { PGSERVICEFILE: string }
beforeAll(async () => {
  url = new URL(await postgresUrl())
  operator = postgres(url.href, { max: 1, onnotice: () => {} })
  for (const name of names)
    await (/own|it's/.test(name)
      ? operator`create database ${operator(name)} template ${operator(await postgresTemplate())}`
      : operator`create database ${operator(name)}`)
  await operator`alter database ${operator(`${prefix}_closed`)} allow_connections false`
  await operator`create role ${operator(prefix)} login`
  await operator`revoke connect on database ${operator(`${prefix}_empty`)} from public`
  await within('boss', (sql) => makePgBoss({ sql, version: 46 }))
  await within('river', (sql) => sql`create table river_job (id bigint, kind text, state text, args jsonb)`)
  const file = join(await newFolder('services'), 'services')
  await writeFile(file, `[eu]\nhost=${url.hostname}\nport=${url.port}\nuser=${url.username}\ndbname=postgres\n`)
  services = { PGSERVICEFILE: file }
})
afterAll(async () => {
  for (const name of names) await operator`drop database ${operator(name)} with (force)`
  await operator`drop role ${operator(prefix)}`
  await operator.end()
})

async function within<Result>(name: string, run: (sql: postgres.Sql) => Promise<Result>): Promise<Result> {
  const sql = postgres(Object.assign(new URL(url), { pathname: `/${prefix}_${name}` }).href, {
    max: 1,
    onnotice: () => {},
  })
  return run(sql).finally(() => sql.end())
}

const add = (home: ConfigHome, argv: string[], env: Record<string, string> = {}) =>
  runJobsctl(['config', 'add-databases', ...argv], { env: { ...home.env, ...services, ...env } })

const profilesIn = async ({ path }: ConfigHome): Promise<unknown> => JSON.parse(await readFile(path, 'utf8')).profiles

it('writes a profile for each database that has a queue, and says why for the others; a second time nothing is written', async () => {
  const home = await configHome()
  const before = await within('boss', catalogueOf)
  const line = ['prod', '--db', 'service=eu', '--like', `${prefix}\\_%`]
  const first = await add(home, line)

  expect(first.out.split('\n')).toEqual([
    `prod-${prefix}_boss\tadded\tpg-boss\t`,
    `prod-${prefix}_empty\tskipped\t\tno queue that this role may see`,
    `prod-${prefix}_it's\tadded\town\t`,
    `prod-${prefix}_own\tadded\town\t`,
    `prod-${prefix}_river\tskipped\t\tno queue that a command finds by itself: River`,
    '',
  ])
  expect([first.code, first.err]).toEqual([0, `3 added, 0 kept, 2 skipped: ${home.path}\n`])
  expect(await profilesIn(home)).toEqual({
    [`prod-${prefix}_boss`]: { db: `service=eu dbname=${prefix}_boss` },
    [`prod-${prefix}_it's`]: { db: String.raw`service=eu dbname='${prefix}_it\'s'` },
    [`prod-${prefix}_own`]: { db: `service=eu dbname=${prefix}_own` },
  })
  expect(await within('boss', catalogueOf)).toEqual(before)

  const written = await readFile(home.path, 'utf8')
  expect((await add(home, line)).err).toBe(`0 added, 3 kept, 2 skipped: ${home.path}\n`)
  expect(await readFile(home.path, 'utf8')).toBe(written)
  const stats = await runJobsctl(['stats', '--profile', `prod-${prefix}_it's`], { env: { ...home.env, ...services } })
  expect(stats).toMatchObject({ code: 0, err: '' })
})

it('keeps a profile that says the same in other words, and leaves one that says something else', async () => {
  const same = `postgres://${url.username}@${url.host}/${prefix}_own`
  const profiles = { [`p-${prefix}_own`]: { db: same, max: 5 }, [`p-${prefix}_boss`]: { url: 'http://127.0.0.1:1' } }
  const home = await configHome({ profiles })
  const { code, out } = await add(home, ['p', '--db', url.href, '--like', `${prefix}_%o%`, '--json'])
  expect([code, JSON.parse(out)]).toMatchObject([
    0,
    [
      { database: `${prefix}_boss`, result: 'skipped', why: 'the config file has another profile of this name' },
      { profile: `p-${prefix}_own`, database: `${prefix}_own`, engine: 'own', result: 'kept', why: null },
    ],
  ])
  expect(await profilesIn(home)).toEqual(profiles)
})

it('says what a role may not, and ends with 5 where it may use no database', async () => {
  const home = await configHome()
  const db = Object.assign(new URL(url), { username: prefix }).href
  const { code, out } = await add(home, ['p', '--db', db, '--like', `${prefix}_%`, '--columns', 'profile,why'])
  expect([code, out]).toEqual([5, expect.stringContaining(`permission denied for database "${prefix}_empty"`)])
  expect(out).toMatch(new RegExp(`${prefix}_own\tpermission denied for table \\w+\n`))
})

it.each([
  [5, 'no database has a name like no such; nothing was written', ['--db', 'service=eu', '--like', 'no such'], {}],
  [2, '--like: ends with a \\ that has no character behind it', ['--db', 'service=eu', '--like', 'a\\'], {}],
  [2, 'has a password, which the config file would show', [], { JOBSCTL_DB_URL: 'postgres://a:S3cret@127.0.0.1:1/a' }],
  [2, 'the target is a server (--url)', ['--url', 'http://127.0.0.1:1'], {}],
] as const)('ends with %i: %s', async (code, why, argv, env) => {
  const home = await configHome({ profiles: {} })
  const ran = await add(home, ['p', ...argv], env)
  expect(ran).toMatchObject({ code, out: '', err: expect.stringContaining(why) })
  expect(ran.err).not.toContain('S3cret')
  expect(await profilesIn(home)).toEqual({})
})

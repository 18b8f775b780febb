import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase } from '../../support/database/database.ts'
import { makePgBoss } from '../../support/engines/pg-boss.ts'
import { type DirectDatabase, openDirectDatabase } from '../../support/programs/direct.ts'
import { enter, startAtTerminal } from '../../support/programs/terminal.ts'

describe('at a terminal a command without a server', () => {
  let direct: DirectDatabase
  let role = ''
  beforeAll(async () => {
    direct = await openDirectDatabase(emptyDatabase())
    await makePgBoss({ sql: direct.sql, version: 46 })
    role = (await direct.sql<[{ role: string }]>`select current_user as role`)[0].role
  })
  afterAll(() => direct.drop())

  const start = (argv: string[]) => startAtTerminal([...argv, '--db', direct.url])
  const hasRecords = async () => (await direct.sql`select from pg_namespace where nspname = 'jobsctl'`).length > 0

  it('says first what it has reached, and as whom; not with --quiet', async () => {
    const { pathname, hostname } = new URL(direct.url)
    const { code, screen } = await (await start(['stats'])).ended
    expect([code, screen.split('\n')[0]?.trim()]).toEqual([
      0,
      `directly on ${role}@${hostname}${pathname} as role ${role} (no server between)`,
    ])
    expect((await (await start(['stats', '--quiet'])).ended).screen).not.toContain('directly on')
  })

  it('asks before the first change makes the tables of records, and makes none where the answer is another', async () => {
    const declined = await start(['mark', 'a deploy'])
    await declined.sees('This makes schema "jobsctl"')
    declined.types(`yes${enter}`)
    expect(await declined.ended).toMatchObject({ code: 3, screen: expect.stringContaining('nothing was changed') })
    expect(await hasRecords()).toBe(false)
    const agreed = await start(['mark', 'a deploy'])
    await agreed.sees('This makes schema "jobsctl"')
    agreed.types(`jobsctl${enter}`)
    expect(await agreed.ended).toMatchObject({ code: 0, screen: expect.stringContaining('Marked') })
    expect(await hasRecords()).toBe(true)
  })
})

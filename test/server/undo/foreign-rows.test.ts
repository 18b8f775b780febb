import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll, doneOf, otherProgram, previewOf, prune, slowly } from '../../support/changes/bulk-tools.ts'
import { kinds, newFolder } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const scope = { domain: 'chatbooks' }
const along = { ...scope, with_foreign_rows: true }
const cascading = 'on delete cascade'

describe.each(kinds)('a prune beside tables of another program on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  /** Runs beside tables of another program. */
  async function beside(tables: string, run: () => Promise<void>): Promise<void> {
    await world.sql.unsafe(`create schema theirs; ${tables}`)
    await run().finally(() => world.sql.unsafe('drop schema theirs cascade'))
  }
  const notes = (action: string, column = 'job_id bigint references jobs (id)') =>
    `create table theirs.notes (id bigint primary key, ${column} ${action});`
  const noteOf = (ids: readonly (number | null)[]) => world.sql`
    insert into theirs.notes select nth, nullif(id, 0) from unnest(${ids.map((id) => id ?? 0)}::bigint[]) with ordinality as note (id, nth)`
  const countOf = async (table: string) => (await world.sql.unsafe(`select from ${table}`)).length
  const rowsOf = async (fields: object = {}) =>
    (await previewOf(world, { ...prune, preview: { ...prune.preview, ...fields } })).foreign_rows

  it('counts the rows that go along, and is refused without with_foreign_rows', () =>
    beside(notes(cascading), async () => {
      const ids = await world.jobs(3)
      await noteOf([ids[0] ?? 0, ids[0] ?? 0, ids[1] ?? 0, null])
      expect(await rowsOf()).toEqual([{ table: 'theirs.notes', action: 'deleted', rows: 3 }])
      const before = await world.fingerprint()
      const refused = await world.confirm(paths.prune, scope)
      expect(refused).toMatchObject({
        status: 409,
        body: {
          code: 'foreign_rows',
          detail: expect.stringContaining('no undo gives them back: theirs.notes 3; nothing was changed'),
        },
      })
      expect(await world.fingerprint()).toBe(before)
      expect((await world.call('GET', '/api/v1/jobs/operations')).body).toEqual([])
      expect(doneOf(await world.confirm(paths.prune, along)).affected).toBe(3)
      expect(await countOf('theirs.notes')).toBe(1)
    }))

  it('is refused where a held job would go along', () =>
    world.sql
      .unsafe(`alter table jobs add column parent bigint references jobs (id) ${cascading}`)
      .then(async () => {
        const [parent = 0, child = 0, held = 0] = await world.jobs(3)
        await world.sql`update jobs set parent = ${parent}::bigint where id in (${child}::bigint, ${held}::bigint)`
        const until = new Date(Date.now() + 86_400_000).toISOString()
        expect(await world.post('/api/v1/jobs/holds', { ids: [held], until })).toMatchObject({ status: 201 })
        expect(await rowsOf()).toEqual([{ table: 'public.jobs', action: 'deleted', rows: 1 }])
        expect(await world.confirm(paths.prune, scope)).toMatchObject({ status: 409, body: { code: 'foreign_rows' } })
        expect(await world.count()).toBe(3)
      })
      .finally(() => world.sql`alter table jobs drop column parent`))

  it('is as ever where no such row exists', () =>
    beside(notes(cascading), async () => {
      await world.jobs(3)
      const [other] = await world.jobs(1, { domain: 'media' })
      await noteOf([other ?? 0])
      expect(await rowsOf()).toEqual([])
      expect(doneOf(await world.confirm(paths.prune, scope)).affected).toBe(3)
      expect(await countOf('theirs.notes')).toBe(1)
    }))

  it('tells which rows lose their job, and goes on', () =>
    beside(notes('on delete set null'), async () => {
      const ids = await world.jobs(2)
      await noteOf(ids)
      expect(await rowsOf()).toEqual([{ table: 'theirs.notes', action: 'set_null', rows: 2 }])
      expect(doneOf(await world.confirm(paths.prune, scope)).affected).toBe(2)
      expect(await world.sql`select from theirs.notes where job_id is null`).toHaveLength(2)
    }))

  it('does not count rows that forbid it, and ends with the error of the database', () =>
    beside(notes(''), async () => {
      await noteOf(await world.jobs(2))
      expect(await rowsOf()).toEqual([])
      expect(await world.confirm(paths.prune, along)).toMatchObject({ status: 409, body: { code: 'conflict' } })
      expect(await world.count()).toBe(2)
    }))

  it('counts what hangs on the rows that go along, once, and over two columns', () =>
    beside(
      `create unique index theirs_pair on jobs (domain, id);
      create table theirs."No tes" (
        id bigint primary key, domain text, job bigint, foreign key (domain, job) references jobs (domain, id) ${cascading}
      );
      create table theirs.lines (
        a bigint references theirs."No tes" ${cascading}, b bigint references theirs."No tes" ${cascading},
        c bigint references theirs."No tes" on delete set null
      );`,
      async () => {
        const [id = 0] = await world.jobs(1)
        await world.sql`insert into theirs."No tes" values (1, 'chatbooks', ${id}), (2, 'chatbooks', ${id}), (3, null, null)`
        await world.sql`insert into theirs.lines values (1, 2, null), (1, null, null), (3, 3, 2), (3, null, null)`
        expect(await rowsOf({ ids: [id] })).toEqual([
          { table: 'theirs."No tes"', action: 'deleted', rows: 2 },
          { table: 'theirs.lines', action: 'deleted', rows: 2 },
          { table: 'theirs.lines', action: 'set_null', rows: 1 },
        ])
        expect(doneOf(await world.confirm(paths.prune, along)).affected).toBe(1)
        expect([await countOf('theirs."No tes"'), await countOf('theirs.lines')]).toEqual([1, 2])
        await world.sql`drop index theirs_pair cascade`
      },
    ))

  it('counts jobs that hang on jobs, without those that it deletes anyhow', async () => {
    await world.sql.unsafe(`alter table jobs add column parent bigint references jobs (id) ${cascading}`)
    const [parent = 0, old = 0] = await world.jobs(2)
    const [live = 0] = await world.jobs(1, { status: 'queued' })
    await world.sql`update jobs set parent = ${parent} where id in (${old}, ${live})`
    expect(await rowsOf()).toEqual([{ table: expect.stringMatching(/\.jobs$/), action: 'deleted', rows: 1 }])
    expect((await world.confirm(paths.prune, scope)).status).toBe(409)
    await world.sql`update jobs set parent = null where id = ${live}`
    expect(doneOf(await world.confirm(paths.prune, scope)).affected).toBe(2)
    await world.sql`alter table jobs drop column parent`
  })

  it('does not count what the archive keeps', async () => {
    await world.sql.unsafe(
      `alter table job_attachments add constraint theirs foreign key (job_id) references jobs (id) ${cascading}`,
    )
    const [id = 0] = await world.jobs(1)
    await world.sql`insert into job_attachments (job_id, kind, content_text) values (${id}, 'log', 'kept')`
    expect(await rowsOf()).toEqual([])
    const { operation } = doneOf(await world.confirm(paths.prune, scope))
    await world.confirm(`/api/v1/jobs/operations/${operation}/undo`, {})
    expect(await world.sql`select from job_attachments`).toHaveLength(1)
    await world.sql`alter table job_attachments drop constraint theirs`
  })

  it('binds a preview to with_foreign_rows', () =>
    beside(notes(cascading), async () => {
      await noteOf(await world.jobs(1))
      const { token: preview_token } = await previewOf(world, prune)
      expect(await world.confirm(paths.prune, { ...along, preview_token })).toMatchObject({
        status: 409,
        body: { code: 'preview_stale' },
      })
      // A refusal leaves the preview unused.
      for (const _ of [1, 2]) {
        expect(await world.confirm(paths.prune, { ...scope, preview_token })).toMatchObject({
          body: { code: 'foreign_rows' },
        })
      }
    }))

  it('is refused by jobsctl before anybody is asked, with the command that goes ahead', () =>
    beside(notes(cascading), async () => {
      await noteOf(await world.jobs(1))
      const argv = ['prune', '--domain', 'chatbooks', '--older-than', '30d']
      const text = 'theirs.notes 1'
      expect(await world.jobsctl([...argv, '--dry-run'])).toMatchObject({ code: 0, err: expect.stringContaining(text) })
      const refused = await world.jobsctl([...argv, '--yes'])
      expect(refused).toMatchObject({ code: 3, out: '' })
      expect(refused.err).toContain(
        'to delete them, too: jobsctl prune --domain chatbooks --older-than 30d --with-foreign-rows',
      )
      expect(await world.count()).toBe(1)
      expect(await world.jobsctl([...argv, '--with-foreign-rows', '--yes'])).toMatchObject({ code: 0 })
      expect([await world.count(), await countOf('theirs.notes')]).toEqual([0, 0])
    }))
})

describe('on PostgreSQL', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('a job that gets a row while the prune runs is kept', async () => {
    const other = otherProgram(world)
    await other`create table notes (job_id bigint references jobs (id) on delete cascade)`
    await other`create index on notes (job_id)`
    const ids = await world.jobs(1800)
    await slowly(world, async () => {
      const change = world.confirm(paths.prune, { ...scope, rate: 600 })
      await expect.poll(() => world.count()).toBeLessThan(1800)
      await other`insert into notes select max(id) from jobs`
      expect(doneOf(await change).affected).toBe(ids.length - 1)
    })
    expect(await other`select from notes`).toHaveLength(1)
    await other`drop table notes`
    await other.end()
  })

  it('rows that the server may not read count as unknown, and a prune is refused', async () => {
    const role = `reads_little_${process.pid}`
    await world.sql.unsafe(`create role ${role} login`)
    await world.sql.unsafe(`create database ${role} owner ${role}`)
    const at = (username: string) =>
      Object.assign(new URL(world.env.JOBS_DB_URL ?? ''), { pathname: `/${role}`, username }).href
    const env = { JOBS_DB_URL: at(role), JOBS_DATA_DIR: await newFolder('data') }
    const little = await openWorld('postgres', {}, Promise.resolve({ env, drop: async () => {} }))
    const owner = otherProgram({ ...world, env: { JOBS_DB_URL: at('postgres') } }, 1)
    await owner`create table notes (job_id bigint references jobs (id) on delete cascade)`
    const [id = 0] = await little.jobs(1)
    await owner`insert into notes values (${id})`
    expect((await previewOf(little, prune)).foreign_rows).toEqual([
      { table: 'public.notes', action: 'deleted', rows: null },
    ])
    const refused = await little.confirm(paths.prune, scope)
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('public.notes (unknown)') } })
    expect(await little.jobsctl(['prune', '--domain', 'chatbooks', '--dry-run'])).toMatchObject({
      err: expect.stringContaining('public.notes (unknown)'),
    })
    expect(doneOf(await little.confirm(paths.prune, along)).affected).toBe(1)
    await owner.end()
    await little.stop()
    await world.sql.unsafe(`drop database ${role} with (force)`)
    await world.sql.unsafe(`drop role ${role}`)
  })

  it('rows of a table with partitions are counted', async () => {
    await world.sql.unsafe(`
      create table notes (id int, job_id bigint references jobs (id) on delete cascade) partition by range (id);
      create table notes_1 partition of notes for values from (0) to (10);`)
    const [id = 0] = await world.jobs(1)
    await world.sql`insert into notes values (1, ${id}), (2, ${id})`
    expect((await previewOf(world, prune)).foreign_rows).toEqual([
      { table: 'public.notes', action: 'deleted', rows: 2 },
    ])
    await world.sql`drop table notes`
  })
})

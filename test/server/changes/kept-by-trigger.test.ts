import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, at, type Change, cancel, changes, doneOf } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const erase: Pick<Change, 'path' | 'body' | 'wanted'> = {
  ...{ path: '/api/v1/jobs/erase', body: { domain: 'chatbooks', owner_user_id: 'ann' } },
  wanted: { owner_user_id: 'ann' },
}
const undone = changes.filter(({ kind }) => !['prune', 'sweep', 'integrity', 'reclaim'].includes(kind))

describe.each(kinds)('jobs that a trigger of another program keeps on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_LOCK_TIMEOUT_SECONDS: '1' })
    await world.sql.unsafe(`
      alter table jobs add deleted_at timestamptz;
      create function keep_jobs() returns trigger language plpgsql as $$
      begin
        if old.queue = 'kept' then return null; end if;
        return case tg_op when 'DELETE' then old else new end;
      end $$;
      create function mark_deleted() returns trigger language plpgsql as $$
      begin
        if old.queue <> 'kept' then return old; end if;
        update jobs set deleted_at = now() where id = old.id;
        return null;
      end $$`)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())
  afterEach(() =>
    world.sql.unsafe(
      'drop trigger if exists keep on jobs; drop trigger if exists mark on jobs; drop rule if exists stay on jobs',
    ),
  )

  const makeJobs = async (wanted: Change['wanted']) => {
    await world.jobs(3, wanted)
    await world.jobs(2, { ...wanted, queue: 'kept' })
  }
  const keep = () =>
    world.sql.unsafe('create trigger keep before update or delete on jobs for each row execute function keep_jobs()')
  const kept = async () => (await world.rows()).filter(({ queue }) => queue === 'kept')
  /** Rows that are kept of deleted and of changed jobs. */
  const copies = async () => {
    const [row] = await world.sql<[{ archived: number; images: number }]>`
      select (select count(*) from jobs_archive) as archived, (select count(*) from job_operation_rows) as images`
    return row
  }
  const partial = (trigger: string) => ({
    status: 503,
    body: {
      code: 'partial',
      detail: expect.stringMatching(new RegExp(`^jobs keeps .*\\(${trigger}\\).* 3 jobs were changed before that`)),
    },
  })

  it.each(changes)('$name changes the others, and names it', async (change) => {
    await makeJobs(change.wanted)
    const before = await kept()
    await keep()
    expect(await ask(world, change)).toMatchObject(partial('keep'))
    expect(await kept()).toEqual(before)
    const { archived, images } = await copies()
    expect(archived + images).toBeLessThanOrEqual(3)
  })

  it.each(undone)('the undo of a $name gives back the others, and names it', async (change) => {
    await makeJobs(change.wanted)
    const { operation = 0 } = doneOf(await ask(world, change))
    const before = await kept()
    await keep()
    expect(await world.confirm(at.undo(operation), {})).toMatchObject(partial('keep'))
    expect(await kept()).toEqual(before)
    expect(await copies()).toMatchObject({ images: 2 })
  })

  it.each([
    ['prune', { path: paths.prune, body: {} }],
    ['prune without a copy', { path: paths.prune, body: { no_archive: true } }],
    ['erase', erase],
  ] as const)('%s deletes the others where it marks jobs in place of a deletion, and marks none', async (_, change) => {
    await makeJobs(erase.wanted)
    const before = await kept()
    await world.sql.unsafe('create trigger mark before delete on jobs for each row execute function mark_deleted()')
    expect(await world.confirm(change.path, change.body)).toMatchObject(partial('mark'))
    expect(await kept()).toEqual(before)
  })

  it('a rule in place of a deletion ends a prune, with or without a copy', async () => {
    await makeJobs({})
    await world.sql.unsafe(`create rule stay as on delete to jobs where old.queue = 'kept' do instead nothing`)
    for (const body of [{}, { no_archive: true }])
      expect(await world.confirm(paths.prune, body)).toMatchObject({
        status: 422,
        body: { code: 'not_supported', hint: expect.stringContaining('a rule') },
      })
    expect(await world.count()).toBe(5)
  })

  it.runIf(kind === 'postgres')(
    'a trigger that lets all through keeps no job that another transaction has locked',
    async () => {
      await makeJobs({ status: 'queued', queue: 'others' })
      await keep()
      const [locked] = await world.jobs(1, { status: 'queued', queue: 'others' })
      const answer = await world.sql.begin(async (tx) => {
        await tx`select from jobs where id = ${locked ?? 0} for update`
        return ask(world, { ...cancel, body: { ...cancel.body, queue: 'others' } })
      })
      expect(doneOf(answer)).toMatchObject({ affected: 3, skippedLocked: 1 })
    },
  )
})

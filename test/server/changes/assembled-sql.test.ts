import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  at,
  cancelSweep,
  clearAll,
  failSweep,
  holding,
  integrity,
  otherProgram,
  prune,
  requeue,
} from '../../support/changes/bulk-tools.ts'
import { newDatabase, type TestDatabase } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { recordStatements, type StatementRecorder } from '../../support/fakes/recorded-statements.ts'
import { until } from '../../support/poll.ts'
import { formatSql } from '../../support/sql/format-sql.ts'
import { openWorld, type World } from '../../support/world.ts'

/** Names stand without their schema: the server writes `public.` before tables and `pg_catalog.` before functions. */
const readable = (statement: string): string =>
  formatSql(statement.replaceAll(/\b(?:"public"|public|pg_catalog)\./g, ''))

/** A database that stays when its world stops. */
const serverWith = async (env: Record<string, string>): Promise<TestDatabase> => ({ env, drop: async () => {} })

/** Each statement is taken from the connection of a real server, and kept as a file that reads from top to bottom. */
describe('the assembled SQL of bulk changes', () => {
  let database: TestDatabase
  let recorder: StatementRecorder
  let world: World
  let withoutArchive: World
  beforeAll(async () => {
    database = await newDatabase('postgres')
    recorder = await recordStatements(database.env.JOBS_DB_URL ?? '')
    const env = { ...database.env, JOBS_DB_URL: recorder.url, JOBS_LOCK_TIMEOUT_SECONDS: '1' }
    world = await openWorld('postgres', {}, serverWith(env))
    withoutArchive = await openWorld('postgres', {}, serverWith({ ...env, JOBS_ARCHIVE_BEFORE_DELETE: 'false' }))
  })
  afterAll(async () => {
    await withoutArchive?.stop()
    await world?.stop()
    await recorder?.stop()
    await database?.drop()
  })

  interface Marks {
    /** Texts that the statement has. */
    has: readonly string[]
    hasNot?: readonly string[]
  }

  /**
   * Keeps the one statement that fits. Calls `run` again until it appears: on a busy machine a prune may choose ids where
   * it otherwise chooses a range.
   */
  async function keep(name: string, run: () => Promise<unknown>, { has, hasNot = [] }: Marks) {
    recorder.clear()
    const found = await until(`a statement has ${has.join(', ')}`, async () => {
      await run()
      // The servers look for changes whose server died, at any time.
      const texts = recorder
        .statements()
        .map(readable)
        .filter((text) => !text.includes('jobsctl_detached'))
      const fitting = texts.filter((text) => has.every((mark) => text.includes(mark)))
      return fitting.find((text) => !hasNot.some((mark) => text.includes(mark)))
    })
    await expect(found).toMatchFileSnapshot(`sql/${name.replace('-', '/')}.sql`)
  }

  const preview: Marks = { has: ['grouped as materialized'], hasNot: ['array_agg(jobs.xmin'] }

  const ok = async (response: ReturnType<World['call']>) => {
    const { status, body } = await response
    expect(status, JSON.stringify(body)).toBe(200)
  }
  const withEdges = async () => {
    const [job] = await world.jobs(1, { uuid: 'needed' })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('waits', 'needed')`
    await world.sql`insert into job_attachments (job_id, kind) values (${job ?? 0}, 'log')`
  }
  const besideLock = async (run: () => Promise<unknown>) => {
    await clearAll(world)
    const [held = 0] = await world.jobs(3)
    await withEdges()
    const other = otherProgram(world)
    const letGo = await holding(other, (tx) => tx`select from jobs where id = ${held}::bigint for update`)
    await run()
    await letGo()
    await other.end()
  }

  it('of a preview', async () => {
    await world.jobs(2)
    const { preview: body } = prune
    await keep('prune-preview', () => ok(world.post(prune.path, body)), preview)
    const details = { ...body, detail_top_k: 3, include_kept: true }
    await keep('prune-preview-details', () => ok(world.post(prune.path, details)), preview)
    const other = otherProgram(world)
    const commit = await holding(other, (tx) => tx`select pg_current_xact_id()`)
    // The snapshot lists an open transaction once a newer one has ended.
    await other`select pg_current_xact_id()`
    const inQueue = { ...body, queue: 'default' }
    await keep('prune-preview-in-doubt', () => ok(world.post(prune.path, inQueue)), { has: ['array_agg(jobs.xmin'] })
    await commit()
    await other.end()
    for (const [name, change] of Object.entries({ sweep: cancelSweep, requeue, integrity })) {
      await world.jobs(1, change.wanted)
      await keep(`${name}-preview`, () => ok(world.post(change.path, change.preview)), preview)
    }
  })

  it.each([
    ['prune-archiving', () => world],
    ['prune-deleting', () => withoutArchive],
  ] as const)('of a %s, whatever is in its way', async (name, server) => {
    await clearAll(world)
    await world.jobs(2)
    const run = () => ok(server().confirm(prune.path, prune.body))
    const deletes = ['delete from jobs']
    const range = '>= $1::text::timestamptz'
    const bare = () => world.jobs(2).then(run)
    await keep(`${name}-bare`, bare, { has: [...deletes, range, 'and not (select exists'] })
    const related = () => withEdges().then(run)
    await keep(`${name}-optimistic`, related, { has: [...deletes, range, 'related as materialized'] })
    await besideLock(() => keep(`${name}-locking`, run, { has: [...deletes, 'picked as materialized'] }))
  })

  it('of a prune beside holds, of which each kind has its condition', async () => {
    await clearAll(world)
    const [first] = await world.jobs(4)
    const until = new Date(Date.now() + 86_400_000).toISOString()
    for (const over of [{ ids: [first] }, { owner_user_id: 'alice', status: ['failed'] }])
      expect((await world.post('/api/v1/jobs/holds', { ...over, until })).status).toBe(201)
    await world.sql`
      insert into jobsctl_holds (operation_id, until, caller) values (4711, now() + interval '1 day', 'c')`
    const run = () => world.jobs(2).then(() => ok(world.confirm(prune.path, { ...prune.body, job_type: 'export' })))
    await keep('prune-beside-holds', run, {
      has: ['delete from jobs', '>= $1::text::timestamptz', 'jobsctl_held_jobs'],
    })
  })

  it('of the search for jobs', async () => {
    await clearAll(world)
    await world.jobs(2)
    const { path, body } = prune
    const scope = { ...body, queue: 'default' }
    await keep('prune-find-range', () => ok(world.confirm(path, scope)), { has: ['max(time)::text as end'] })
    await world.jobs(1, requeue.wanted)
    await keep('requeue-find-ids', () => ok(world.confirm(requeue.path, { ...requeue.body, queue: 'default' })), {
      has: ['count(*) as looked'],
    })
  })

  it.each([
    ['sweep-cancel', cancelSweep, ['doomed']],
    ['sweep-fail', failSweep, ['doomed']],
    ['requeue', requeue, ['updated']],
    ['integrity-stale-leases', integrity, ['set leased_until = null, lease_id = null']],
    [
      'integrity-expired-leases',
      { ...integrity, body: { ...integrity.body, job_type: 'export' } },
      ['decided as materialized'],
    ],
  ] as const)('of a %s', async (name, change, marks) => {
    await clearAll(world)
    await world.jobs(2, change.wanted)
    await world.jobs(1, { status: 'completed', leased_until: ago(60) })
    await keep(name, () => ok(world.confirm(change.path, change.body)), { has: ['for update skip locked', ...marks] })
  })

  it('of an undo of rows that were deleted', async () => {
    await clearAll(world)
    await world.jobs(2)
    await ok(world.confirm(prune.path, prune.body))
    await keep('undo-prune-preview', () => ok(world.post(at.undo(1), { dry_run: true })), preview)
    await keep('undo-prune', () => ok(world.confirm(at.undo(1), {})), { has: ['insert into jobs ('] })
    await clearAll(world)
    await world.jobs(2)
    await ok(world.confirm(prune.path, prune.body))
    const { sql } = world
    await sql`alter table job_dependencies add constraint theirs foreign key (job_uuid) references jobs (uuid)`
    await keep('undo-prune-with-foreign-keys', () => ok(world.confirm(at.undo(1), {})), { has: ['insert into jobs ('] })
    await sql`alter table job_dependencies drop constraint theirs`
  })

  it('of an undo of columns that were overwritten', async () => {
    await clearAll(world)
    await world.jobs(2, requeue.wanted)
    await ok(world.confirm(requeue.path, requeue.body))
    await keep('undo-requeue-preview', () => ok(world.post(at.undo(1), { dry_run: true })), preview)
    await keep('undo-requeue', () => ok(world.confirm(at.undo(1), {})), {
      has: ['picked as materialized', 'update jobs'],
    })
  })

  it('of an erasure', async () => {
    await clearAll(world)
    const path = '/api/v1/jobs/erase'
    const fresh = () => world.jobs(1, { owner_user_id: 'alice' })
    // A statement is recorded when a connection prepares it: each filter has statements of its own.
    const owner = { owner_user_id: 'alice' }
    const erase = (filter: object) => () => fresh().then(() => ok(world.confirm(path, { ...owner, ...filter })))
    await keep('erase-jobs', erase({}), { has: ['erased as', 'for update skip locked'] })
    await keep('erase-remains', erase({ queue: 'default' }), { has: ['traced as materialized'] })
    await keep('erase-preview', () => fresh().then(() => ok(world.post(path, { ...owner, dry_run: true }))), preview)
  })

  it('of the record of an operation', async () => {
    await clearAll(world)
    await world.jobs(2)
    const own = await recordStatements(database.env.JOBS_DB_URL ?? '')
    const fresh = await openWorld('postgres', {}, serverWith({ ...database.env, JOBS_DB_URL: own.url }))
    await ok(fresh.confirm(prune.path, prune.body))
    await fresh.call('GET', at.verify)
    const texts = await until('all are there', () => own.statements().map(readable))
    await fresh.stop()
    await own.stop()
    const records = {
      'record-insert': 'insert into job_operations',
      'record-lock': "where id = $2::bigint and state = 'running'",
      'record-batch': 'affected = affected +',
      'record-event': 'attrs_json, request_id)\nvalues',
      'record-close': 'ended_at = clock_timestamp()',
      'record-seal': 'hash = encode(',
      'record-second-seal': 'into jobsctl_seals',
      'record-verify': 'by_day as',
    }
    for (const [name, mark] of Object.entries(records)) {
      const found = texts.filter((text) => text.includes(mark))
      expect(found, mark).toHaveLength(1)
      await expect(found[0]).toMatchFileSnapshot(`sql/${name.replace('-', '/')}.sql`)
    }
  })
})

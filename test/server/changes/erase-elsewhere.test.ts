import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

const path = '/api/v1/jobs/erase'

it('names tables of others with rows of the owner, and counts marks and names of workers', async () => {
  await world.jobs(2, { owner_user_id: 'alice' })
  const [other = 0] = await world.jobs(1, { owner_user_id: 'bob' })
  await world.sql`update jobs set worker_id = 'alice-laptop' where id = ${other}`
  await world.sql`
    insert into jobsctl_worker_marks (domain, queue, worker_id, filter, owner_user_id)
    values ('chatbooks', 'default', 'malice', 'h', 'alice'), ('chatbooks', 'default', 'w', 'i', 'bob')`
  await world.sql.unsafe(`
    create schema billing;
    create table billing."Invoices" (owner_user_id text, amount int);
    insert into billing."Invoices" values ('alice', 1), ('alice', 2), ('bob', 3);
    create table billing.parts (owner_user_id int, amount int) partition by range (amount);
    create table billing.part partition of billing.parts for values from (0) to (10);
    create table billing.none (owner_user_id text)`)
  const found = { not_touched: [{ table: 'billing."Invoices"', rows: 2 }], marks: 1, worker_names: 1 }
  const dry = await world.post(path, { owner_user_id: 'alice', dry_run: true })
  expect(dry.body).toMatchObject({ affected: 2, ...found })
  const run = await world.jobsctl(['erase', '--owner', 'alice', '--yes'])
  expect(run).toMatchObject({ code: 0, out: 'erased 2 jobs\n' })
  expect(run.err).toContain(
    'note: not touched, tables of others with rows that name the person: billing."Invoices" (2 rows)\n',
  )
  expect(run.err).toContain('note: 1 name of a worker has the value, and stays\n')
  expect(await world.sql`select from billing."Invoices" where owner_user_id = 'alice'`).toHaveLength(2)
  expect(await world.sql`select from jobsctl_worker_marks where owner_user_id = 'alice'`).toHaveLength(0)
})

it('looks for no owner where the jobs are named by ids', async () => {
  const [id = 0] = await world.jobs(1, {})
  const { body } = await world.post(path, { ids: [id], dry_run: true })
  expect(body).not.toHaveProperty('not_touched')
})

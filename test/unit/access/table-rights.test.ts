import { expect, it } from 'vitest'
import { allMigrations } from '../../../server/database/migrate/migrations.ts'
import { tableRights } from '../../../server/database/rights/table-rights.ts'

it('jobs-server grants decides about every table that migrations make', async () => {
  const made = (await allMigrations()).flatMap(({ makes }) => makes)
  const tables = new Set(made.flatMap(({ kind, of }) => (kind === 'column' ? [of] : [])))
  expect(Object.keys(tableRights).toSorted()).toEqual([...tables, 'jobsctl_migrations'].toSorted())
})

import { expect, it } from 'vitest'
import { allMigrations } from '../../../server/database/migrate/migrations.ts'

it('each migration has a number of its own, by which a database knows that it ran', async () => {
  const numbers = (await allMigrations()).map(({ number }) => number)
  expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([])
  expect(numbers.every((number) => Number.isSafeInteger(number))).toBe(true)
})

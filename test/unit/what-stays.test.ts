import { expect, it } from 'vitest'
import { collectMade } from '../../server/database/migrate/what-stays.ts'

it('names an index as the last try has left it, and an invalid one among many', () => {
  const { noteMade, whatStays } = collectMade()
  expect(whatStays()).toBeUndefined()
  noteMade('the invalid index jobsctl_live', 'jobsctl_live')
  noteMade('the drop of the invalid index jobsctl_live', 'jobsctl_live')
  noteMade('the index jobsctl_live', 'jobsctl_live')
  expect(whatStays()).toBe('what was made before stays: the index jobsctl_live')
  noteMade('the invalid index jobsctl_due', 'jobsctl_due')
  for (const name of ['1.sql', '2.sql']) noteMade(name)
  expect(whatStays()).toBe(
    'what was made before stays: 4 steps, the index jobsctl_live … 2.sql, the invalid index jobsctl_due',
  )
})

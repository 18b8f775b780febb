import { expect, it } from 'vitest'
import { cases } from '../../scripts/campaigns/embedded/cases/all.ts'
import { missingPromise } from '../../scripts/campaigns/promised.ts'
import { byName, scenarios } from '../../scripts/campaigns/trouble/scenarios/all.ts'

const promises = [
  ...[...scenarios, ...byName].map(({ promised }) => promised),
  ...cases.flatMap(({ promised }) => promised),
]

it.each(promises)('$page has the sentence that a campaign tries: $sentence', async (promised) => {
  expect(await missingPromise(promised)).toBeUndefined()
})

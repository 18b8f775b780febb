import { expect, it } from 'vitest'
import { changes, changesByPath } from '../../../server/endpoints/changes/all.ts'
import { handledEndpoints } from '../../../server/endpoints/handlers.ts'
import { bulkKinds, isUndoable, kinds } from '../../../shared/changes/kinds.ts'

const ofKinds = bulkKinds.flatMap((kind) => [...kinds[kind].endpoints]).sort()

it('each bulk change is of one kind, and another server can take it over', () => {
  // The application of a plan is the change that is planned.
  const bulk = Object.entries(handledEndpoints).filter(([name, { bulk }]) => bulk && name !== 'applyPlan')
  expect(bulk.map(([name]) => name).sort()).toEqual(ofKinds)
  expect(Object.keys(changes).sort()).toEqual(ofKinds)
  expect([...changesByPath.keys()].sort()).toEqual(bulk.map(([, { path }]) => path).sort())
})

it.each(bulkKinds)('an answer to %s has the count of its kind', (kind) => {
  for (const name of kinds[kind].endpoints)
    expect(handledEndpoints[name].output).toHaveProperty(['shape', kinds[kind].countedBy])
})

it('the kinds without an undo are those whose jobs have no way back', () => {
  expect(bulkKinds.filter((kind) => !isUndoable(kind))).toEqual(['integrity', 'undo', 'reclaim', 'erase'])
})

import { expect, it } from 'vitest'
import { promises, readConformance } from '../../scripts/docs/conformance.ts'
import { bullMqVersions, graphileWorkerVersions, pgBossVersions } from '../../scripts/launch/engine-packages.ts'
import { keyTypes } from '../support/engines/mapped.ts'

it('docs/engines/conformance.json has a result of every promise beside every version that jobsctl changes', async () => {
  const changed = {
    'pg-boss': pgBossVersions.slice(1),
    bullmq: bullMqVersions.slice(1),
    'graphile-worker': graphileWorkerVersions,
    mapped: keyTypes,
  }
  const wanted = Object.entries(changed).flatMap(([engine, versions]) => versions.map((one) => `${engine} ${one}`))
  const recorded = await readConformance()
  expect(recorded.map(({ engine, version }) => `${engine} ${version}`)).toEqual(wanted)
  for (const { promises: results } of recorded)
    expect(Object.keys(results).toSorted()).toEqual(Object.keys(promises).toSorted())
})

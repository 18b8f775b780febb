import type { Abilities } from '../../engines/abilities.ts'
import { addGauge, labelText, type MetricTexts } from './series.ts'

/** Adds whether the jobs of each engine can be changed, where this server has the tables for it. */
export function addEngines(texts: MetricTexts, places: Abilities['places']): void {
  addGauge(texts, {
    name: 'jobsctl_engine_writes_open',
    help: 'Is 1 while jobs of an engine can be changed, and 0 while its tables have a version that this server may not change.',
    samples: places.flatMap(({ engine, schema, mode, changes }) =>
      mode === 'look' ? [] : [{ labels: labelText({ engine, domain: schema ?? '' }), value: Number(changes === true) }],
    ),
  })
}

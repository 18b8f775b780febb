import type { BulkKind } from '../../../shared/records/records.ts'

/** What a change does to jobs, by which the changes of a principal are added up. */
type Effect = 'ends' | 'deletes' | 'runs again' | 'moves' | 'gives back'

const effects: Readonly<Record<BulkKind, Effect>> = {
  cancel: 'ends',
  sweep: 'ends',
  prune: 'deletes',
  erase: 'deletes',
  requeue: 'runs again',
  retry: 'runs again',
  reclaim: 'runs again',
  integrity: 'runs again',
  reschedule: 'moves',
  priority: 'moves',
  undo: 'gives back',
}

const kinds = Object.entries(effects)

/** The kinds of changes with the same effect as `kind`, which is one of them. */
export function kindsLike(kind: string): string[] {
  const effect = kinds.find(([name]) => name === kind)?.[1]
  return [kind, ...kinds.flatMap(([name, of]) => (of === effect && name !== kind ? [name] : []))]
}

import { ago, type Wanted } from '../database/job-row.ts'
import { paths, type World } from '../world.ts'

interface ChangeCase {
  name: string
  path: string
  /** What a person types; each change has a domain of its own, so that all can be tried at once. */
  argv: string[]
  domain: string
  /** A job that it touches. */
  wanted: Wanted
  would: string
  did: string
}

const change = (
  kind: string,
  domain: string,
  more: string[],
  rest: Pick<ChangeCase, 'path' | 'wanted' | 'would' | 'did'>,
) => ({
  ...rest,
  name: kind,
  domain,
  argv: [kind, '--domain', domain, ...more],
  wanted: { domain, ...rest.wanted },
})

/** The four changes, as a person types them. */
export const changes: readonly ChangeCase[] = [
  change('prune', 'chatbooks', ['--older-than', '30d'], {
    path: paths.prune,
    wanted: {},
    would: 'would delete',
    did: 'deleted',
  }),
  change('sweep', 'media', ['--age', '1d'], {
    path: paths.sweep,
    wanted: { status: 'queued' },
    would: 'would cancel',
    did: 'cancelled',
  }),
  change('requeue', 'mail', [], {
    path: paths.requeue,
    wanted: { status: 'quarantined' },
    would: 'would requeue',
    did: 'requeued',
  }),
  change('integrity', 'maps', ['--fix'], {
    path: paths.integrity,
    wanted: { status: 'processing', leased_until: ago(3600) },
    would: 'would repair',
    did: 'repaired',
  }),
]

/** Three jobs for each change. */
export async function threeEach(world: World): Promise<void> {
  for (const { wanted } of changes) await world.jobs(3, wanted)
}

/** Does the same for every change at once; the answer is by the name of the change. */
export async function ofEach<T>(run: (change: ChangeCase) => T | Promise<T>): Promise<Record<string, T>> {
  return Object.fromEntries(await Promise.all(changes.map(async (change) => [change.name, await run(change)] as const)))
}

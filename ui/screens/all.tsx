import type { ComponentChildren } from 'preact'
import { ChangeScreen } from './change/change.tsx'
import { changeKind } from './change/kinds.ts'
import { Jobs } from './jobs/jobs.tsx'
import { ShowJob } from './jobs/show.tsx'
import { Operation } from './operations/operation.tsx'
import { Operations } from './operations/operations.tsx'
import { Overview } from './overview.tsx'
import { Queue } from './queues/queue.tsx'

export const sections = [
  { name: 'overview', to: '/', label: 'Overview', needs: 'read' },
  { name: 'jobs', to: '/jobs', label: 'Jobs', needs: 'read' },
  { name: 'operations', to: '/operations', label: 'Operations', needs: 'records' },
] as const

export type Section = (typeof sections)[number]['name']

/** What an address shows. */
interface Screen {
  section: Section | undefined
  title: string
  show: () => ComponentChildren
}

type MakeScreen = (parts: readonly string[]) => Screen

/** The screens by the shape of their addresses; the first that fits is shown. */
const screens: readonly (readonly [RegExp, MakeScreen])[] = [
  [/^\/$/, () => ({ section: 'overview', title: 'Overview', show: () => <Overview /> })],
  [/^\/jobs$/, () => ({ section: 'jobs', title: 'Jobs', show: () => <Jobs /> })],
  [
    /^\/jobs\/(\d{1,16})$/,
    ([id = '']) => ({ section: 'jobs', title: `Job ${id}`, show: () => <ShowJob key={id} id={id} /> }),
  ],
  [
    /^\/change\/([a-z]+)$/,
    ([kind = '']) => ({
      section: 'jobs',
      title: `${changeKind(kind)?.verb ?? 'Change'} jobs`,
      show: () => <ChangeScreen key={kind} kind={kind} />,
    }),
  ],
  [/^\/queue$/, () => ({ section: 'overview', title: 'Queue', show: () => <Queue /> })],
  [/^\/operations$/, () => ({ section: 'operations', title: 'Operations', show: () => <Operations /> })],
  [
    /^\/operations\/(\d{1,16})$/,
    ([id = '']) => ({ section: 'operations', title: `Operation ${id}`, show: () => <Operation key={id} id={id} /> }),
  ],
]

/** The screen of an address, or one that says that there is none. */
export function screenAt(path: string): Screen {
  for (const [shape, make] of screens) {
    const found = shape.exec(path)
    if (found) return make(found.slice(1))
  }
  return { section: undefined, title: 'Not found', show: () => <p>There is no screen at this address.</p> }
}

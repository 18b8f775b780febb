import type { ComponentChildren } from 'preact'
import type { Right } from '../../shared/access/rights.ts'
import { later } from '../parts/later.tsx'
import { ChangeScreen } from './change/change.tsx'
import { changeKind } from './change/kinds.ts'
import { Clusters } from './clusters/clusters.tsx'
import { Jobs } from './jobs/jobs.tsx'
import { ShowJob } from './jobs/show.tsx'
import { WithTimes } from './jobs/with-times.tsx'
import { Operation } from './operations/operation.tsx'
import { Operations } from './operations/operations.tsx'
import { Overview } from './overview.tsx'
import { Queue } from './queues/queue.tsx'

const others = () => import('./loaded-later.ts')
const Events = later(() => others().then((module) => module.Events))
const History = later(() => others().then((module) => module.History))
const Plans = later(() => others().then((module) => module.Plans))
const ShowPlan = later(() => others().then((module) => module.ShowPlan))

export const sections = [
  { name: 'overview', to: '/', label: 'Overview', needs: 'read' },
  { name: 'jobs', to: '/jobs', label: 'Jobs', needs: 'read' },
  { name: 'failures', to: '/clusters', label: 'Failures', needs: 'read' },
  { name: 'history', to: '/history', label: 'History', needs: 'read' },
  { name: 'events', to: '/events', label: 'Events', needs: 'read' },
  { name: 'operations', to: '/operations', label: 'Operations', needs: 'records' },
  { name: 'plans', to: '/plans', label: 'Plans', needs: 'records' },
] as const

export type Section = (typeof sections)[number]['name']

/** What an address shows. */
interface Screen {
  section: Section | undefined
  /** The right without which there is nothing to show. */
  needs?: Right
  title: string
  show: () => ComponentChildren
}

type MakeScreen = (parts: readonly string[]) => Screen

/** The screens by the shape of their addresses; the first that fits is shown. */
const screens: readonly (readonly [RegExp, MakeScreen])[] = [
  [/^\/$/, () => ({ section: 'overview', needs: 'read', title: 'Overview', show: () => <Overview /> })],
  [
    /^\/jobs$/,
    () => ({
      section: 'jobs',
      needs: 'read',
      title: 'Jobs',
      show: () => (
        <WithTimes>
          <Jobs />
        </WithTimes>
      ),
    }),
  ],
  [
    /^\/jobs\/(\d{1,16})$/,
    ([id = '']) => ({ section: 'jobs', needs: 'read', title: `Job ${id}`, show: () => <ShowJob key={id} id={id} /> }),
  ],
  [/^\/clusters$/, () => ({ section: 'failures', needs: 'read', title: 'Failures', show: () => <Clusters /> })],
  [
    /^\/change\/([a-z]+)$/,
    ([kind = '']) => ({
      section: 'jobs',
      needs: 'read',
      title: `${changeKind(kind)?.label ?? 'Change'} jobs`,
      show: () => (
        <WithTimes>
          <ChangeScreen key={kind} kind={kind} />
        </WithTimes>
      ),
    }),
  ],
  [/^\/queue$/, () => ({ section: 'overview', needs: 'read', title: 'Queue', show: () => <Queue /> })],
  [/^\/history$/, () => ({ section: 'history', needs: 'read', title: 'History', show: () => <History /> })],
  [/^\/events$/, () => ({ section: 'events', needs: 'read', title: 'Events', show: () => <Events /> })],
  [
    /^\/operations$/,
    () => ({ section: 'operations', needs: 'records', title: 'Operations', show: () => <Operations /> }),
  ],
  [
    /^\/operations\/(\d{1,16})$/,
    ([id = '']) => ({
      section: 'operations',
      needs: 'records',
      title: `Operation ${id}`,
      show: () => <Operation key={id} id={id} />,
    }),
  ],
  [/^\/plans$/, () => ({ section: 'plans', needs: 'records', title: 'Plans', show: () => <Plans /> })],
  [
    /^\/plans\/(\d{1,16})$/,
    ([id = '']) => ({
      section: 'plans',
      needs: 'records',
      title: `Plan ${id}`,
      show: () => <ShowPlan key={id} id={id} />,
    }),
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

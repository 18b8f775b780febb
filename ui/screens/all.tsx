import type { ComponentChildren } from 'preact'
import type { Right } from '../../shared/access/rights.ts'
import { isBulkKind, kinds } from '../../shared/changes/kinds.ts'
import type { Verb } from '../../shared/engine/verbs.ts'
import { Link } from '../parts/controls.tsx'
import { later } from '../parts/later.tsx'
import { Overview } from './overview.tsx'

// Each screen is loaded when it is opened: nobody waits at the first for those that nobody has asked for.
const Jobs = later(() => import('./jobs/jobs.tsx').then((module) => module.JobsScreen))
const ShowJob = later(() => import('./jobs/show.tsx').then((module) => module.ShowJob))
const Change = later(() => import('./change/change.tsx').then((module) => module.ChangeScreen))
const Clusters = later(() => import('./clusters/clusters.tsx').then((module) => module.Clusters))
const Queue = later(() => import('./queues/queue.tsx').then((module) => module.Queue))
const Workers = later(() => import('./workers/workers.tsx').then((module) => module.Workers))
const Events = later(() => import('./events/events.tsx').then((module) => module.Events))
const History = later(() => import('./history/history.tsx').then((module) => module.History))
const Operations = later(() => import('./operations/operations.tsx').then((module) => module.Operations))
const Operation = later(() => import('./operations/operation.tsx').then((module) => module.Operation))
const Policy = later(() => import('./policy/policy.tsx').then((module) => module.Policy))
const Plans = later(() => import('./plans/plans.tsx').then((module) => module.Plans))
const ShowPlan = later(() => import('./plans/plan.tsx').then((module) => module.ShowPlan))

export const sections = [
  { name: 'overview', to: '/', label: 'Overview', needs: 'read', verb: 'stats' },
  { name: 'jobs', to: '/jobs', label: 'Jobs', needs: 'read', verb: 'list' },
  { name: 'failures', to: '/clusters', label: 'Failures', needs: 'read', verb: 'clusters' },
  { name: 'workers', to: '/workers', label: 'Workers', needs: 'read', verb: 'workers' },
  { name: 'history', to: '/history', label: 'History', needs: 'read', verb: 'history' },
  { name: 'events', to: '/events', label: 'Events', needs: 'read', verb: 'events' },
  { name: 'operations', to: '/operations', label: 'Operations', needs: 'records', verb: 'records' },
  { name: 'plans', to: '/plans', label: 'Plans', needs: 'records', verb: 'plans' },
  { name: 'policy', to: '/policy', label: 'Policy', needs: 'records', verb: 'policy' },
] as const

export type Section = (typeof sections)[number]['name']

/** What an address shows. */
interface Screen {
  section: Section | undefined
  /** The right without which there is nothing to show. */
  needs?: Right | undefined
  /** Without it the engine has nothing to show. */
  verb?: Verb | undefined
  title: string
  show: () => ComponentChildren
}

type Row = readonly [
  shape: RegExp,
  section: Section,
  title: string | ((part: string) => string),
  show: (part: string) => ComponentChildren,
]

/** The screens by the shape of their addresses, whose part in brackets is what they show. */
const screens: readonly Row[] = [
  [/^\/$/, 'overview', 'Overview', () => <Overview />],
  [/^\/queue$/, 'overview', 'Queue', () => <Queue />],
  [/^\/jobs$/, 'jobs', 'Jobs', () => <Jobs />],
  [/^\/jobs\/([^/]+)$/, 'jobs', (id) => `Job ${decoded(id)}`, (id) => <ShowJob key={id} id={decoded(id)} />],
  [
    /^\/change\/([a-z]+)$/,
    'jobs',
    (kind) => `${isBulkKind(kind) ? kinds[kind].label : 'Change'} jobs`,
    (kind) => <Change key={kind} kind={kind} />,
  ],
  [/^\/clusters$/, 'failures', 'Failures', () => <Clusters />],
  [/^\/workers$/, 'workers', 'Workers', () => <Workers />],
  [/^\/history$/, 'history', 'History', () => <History />],
  [/^\/events$/, 'events', 'Events', () => <Events />],
  [/^\/operations$/, 'operations', 'Operations', () => <Operations />],
  [/^\/operations\/(\d{1,16})$/, 'operations', (id) => `Operation ${id}`, (id) => <Operation key={id} id={id} />],
  [/^\/policy$/, 'policy', 'Policy', () => <Policy />],
  [/^\/plans$/, 'plans', 'Plans', () => <Plans />],
  [/^\/plans\/(\d{1,16})$/, 'plans', (id) => `Plan ${id}`, (id) => <ShowPlan key={id} id={id} />],
]

/** A part of a path as text; one with a broken escape stays as it is, and names no job. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

const Nowhere = () => (
  <p>
    There is no screen at this address. <Link to="/">To the overview</Link>
  </p>
)

/** The screen of an address, or one that says that there is none. */
export function screenAt(path: string): Screen {
  for (const [shape, section, title, show] of screens) {
    const [found, part = ''] = shape.exec(path) ?? []
    if (found === undefined) continue
    const { needs, verb } = sections.find(({ name }) => name === section) ?? {}
    return { section, needs, verb, title: typeof title === 'string' ? title : title(part), show: () => show(part) }
  }
  return { section: undefined, title: 'Not found', show: () => <Nowhere /> }
}

import type { ComponentChildren } from 'preact'
import type { Right } from '../../shared/access/rights.ts'
import type { Verb } from '../../shared/engine/verbs.ts'
import { later } from '../parts/later.tsx'
import { ChangeScreen } from './change/change.tsx'
import { changeKind } from './change/kinds.ts'
import { Clusters } from './clusters/clusters.tsx'
import { WithTimes } from './jobs/filter-bar.tsx'
import { Jobs } from './jobs/jobs.tsx'
import { ShowJob } from './jobs/show.tsx'
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
  { name: 'overview', to: '/', label: 'Overview', needs: 'read', verb: 'stats' },
  { name: 'jobs', to: '/jobs', label: 'Jobs', needs: 'read', verb: 'list' },
  { name: 'failures', to: '/clusters', label: 'Failures', needs: 'read', verb: 'clusters' },
  { name: 'history', to: '/history', label: 'History', needs: 'read', verb: 'history' },
  { name: 'events', to: '/events', label: 'Events', needs: 'read', verb: 'events' },
  { name: 'operations', to: '/operations', label: 'Operations', needs: 'records', verb: 'records' },
  { name: 'plans', to: '/plans', label: 'Plans', needs: 'records', verb: 'plans' },
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
  [/^\/jobs$/, 'jobs', 'Jobs', () => <WithTimes screen={<Jobs />} />],
  [/^\/jobs\/([^/]+)$/, 'jobs', (id) => `Job ${decoded(id)}`, (id) => <ShowJob key={id} id={decoded(id)} />],
  [
    /^\/change\/([a-z]+)$/,
    'jobs',
    (kind) => `${changeKind(kind)?.label ?? 'Change'} jobs`,
    (kind) => <WithTimes screen={<ChangeScreen key={kind} kind={kind} />} />,
  ],
  [/^\/clusters$/, 'failures', 'Failures', () => <Clusters />],
  [/^\/history$/, 'history', 'History', () => <History />],
  [/^\/events$/, 'events', 'Events', () => <Events />],
  [/^\/operations$/, 'operations', 'Operations', () => <Operations />],
  [/^\/operations\/(\d{1,16})$/, 'operations', (id) => `Operation ${id}`, (id) => <Operation key={id} id={id} />],
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

/** The screen of an address, or one that says that there is none. */
export function screenAt(path: string): Screen {
  for (const [shape, section, title, show] of screens) {
    const [found, part = ''] = shape.exec(path) ?? []
    if (found === undefined) continue
    const { needs, verb } = sections.find(({ name }) => name === section) ?? {}
    return { section, needs, verb, title: typeof title === 'string' ? title : title(part), show: () => show(part) }
  }
  return { section: undefined, title: 'Not found', show: () => <p>There is no screen at this address.</p> }
}

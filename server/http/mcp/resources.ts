import * as endpoints from '../../../shared/endpoints.ts'
import { callTool, type ToolDoor } from './call-tool.ts'
import { operatePages } from './pages.ts'
import type { Tool } from './tools.ts'

const scheme = 'docs://operate/'
const record = /^jobs:\/\/operations\/(\d{1,15})$/

/** The pages of docs/operate as resources. */
export async function listResources() {
  const pages = await operatePages()
  return [...pages].map(([name, { title }]) => ({ uri: `${scheme}${name}`, name, title, mimeType: 'text/markdown' }))
}

/** Reads a record as a tool reads its answer. */
const operation: Tool = {
  name: 'operation',
  title: 'The record of a change',
  when: '',
  calls: [{ as: undefined, endpoint: endpoints.getOperation }],
}

export const resourceTemplates = [
  {
    uriTemplate: 'jobs://operations/{id}',
    name: operation.name,
    title: operation.title,
    description: 'One change on record: what it was about, its counts, and the states of its jobs now.',
    mimeType: 'application/json',
  },
] as const

/** The text of a resource; undefined where no resource has this URI. */
export async function readResource(
  door: ToolDoor,
  uri: string,
): Promise<{ mimeType: string; text: string } | undefined> {
  const page = uri.startsWith(scheme) ? (await operatePages()).get(uri.slice(scheme.length)) : undefined
  if (page) return { mimeType: 'text/markdown', text: page.text }
  const id = record.exec(uri)?.[1]
  if (id === undefined) return undefined
  const called = await callTool(door, operation, { id })
  return { mimeType: 'application/json', text: JSON.stringify('refusal' in called ? called.refusal : called.answer) }
}

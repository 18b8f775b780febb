import type { ListFilter } from '../../shared/jobs/job-filter.ts'
import { requireRight } from '../auth/require-right.ts'
import type { Acting, ServerContext } from '../call.ts'
import { expandJson } from '../database/lossless-json.ts'
import { isContentHidden } from './hidden.ts'

type Paths = readonly (readonly string[])[]

/**
 * The parts of a payload at the paths of `JOBS_VIEWER_FIELDS`, each within its objects; null where the payload has none of them. A path
 * leads through objects, and not through lists.
 */
export function pickPaths(payload: unknown, paths: Paths): unknown {
  return paths.length === 0 ? null : (picked(payload, paths) ?? null)
}

function picked(given: unknown, paths: Paths): object | undefined {
  const value = expandJson(given)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return undefined
  const parts = Object.entries(value).flatMap(([name, part]): [string, unknown][] => {
    const rest = paths.filter(([first]) => first === name).map((path) => path.slice(1))
    if (rest.length === 0) return []
    if (rest.some((path) => path.length === 0)) return [[name, part]]
    const deeper = picked(part, rest)
    return deeper ? [[name, deeper]] : []
  })
  return parts.length > 0 ? Object.fromEntries(parts) : undefined
}

/**
 * Refuses a filter over a part of the payload that the caller may not see, since it could be guessed.
 * @throws Failure `forbidden`
 */
export function requireVisible(
  call: Pick<Acting, 'caller' | 'identity' | 'may'> & Pick<ServerContext, 'viewerFields'>,
  { payload = [] }: ListFilter,
): void {
  const isVisible = (path: readonly string[]) =>
    !call.identity.agent && call.viewerFields.some((field) => field.every((name, at) => path[at] === name))
  if (!isContentHidden(call) || payload.every(({ path }) => isVisible(path))) return
  requireRight({ ...call.identity, id: call.caller, may: call.may }, 'payloads')
}

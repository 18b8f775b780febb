import * as z from 'zod'
import { narrowerFields } from '../../shared/changes/filtered-change.ts'

const Fields = z.record(z.string(), z.unknown())

/** The fields of the filter beside the scope that a parsed request has. */
export const narrowerOf = (parsed: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(parsed).filter(([name, value]) => Object.hasOwn(narrowerFields, name) && value !== undefined),
  )

/** A request with further fields. */
export const withFields = (request: unknown, more: object): object => ({ ...Fields.parse(request), ...more })

import * as z from 'zod'
import { isKeepable } from './moment.ts'

/** A time in ISO 8601 with its offset from UTC. */
export const Time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z', abort: true })
  .refine(isKeepable, 'must be a time of the years 1 to 9999, less than 16 hours from UTC')

import * as z from 'zod'

/** A trigger of the server that does not fire. */
export const IdleTrigger = z.object({
  trigger: z.string(),
  /** `jobs`, or a partition of it, as SQL takes the name. */
  table: z.string(),
  /** `missing` or `disabled`. A server makes a missing one again; the owner of the table enables a disabled one. */
  state: z.string(),
})
export type IdleTrigger = z.output<typeof IdleTrigger>

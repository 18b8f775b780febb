import * as z from 'zod'

/** A trigger of the server that does not fire. */
export const IdleTrigger = z.object({
  trigger: z.string().describe('The name of the trigger.'),
  table: z.string().describe('`jobs`, or a partition of it, as SQL takes the name.'),
  state: z
    .string()
    .describe(
      '`missing`, `building` or `disabled`. A server makes a missing one again, and one that is `building` once the build of an index of the table is over; the owner of the table enables a disabled one.',
    ),
})
export type IdleTrigger = z.output<typeof IdleTrigger>

/** True where nobody has to do anything: the server makes these triggers when an index of their table is built. */
export const areBeingBuilt = (idle: readonly IdleTrigger[] = []): boolean =>
  idle.length > 0 && idle.every(({ state }) => state === 'building')

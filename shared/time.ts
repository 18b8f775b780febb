import * as z from 'zod'

const [firstTime, lastTime] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]

/** True for a time that PostgreSQL can store and JSON can carry: of the years 1 to 9999, with a UTC offset that PostgreSQL takes. */
const isKeepable = (time: string) =>
  Date.parse(time) >= firstTime && Date.parse(time) <= lastTime && !/[+-](?:1[6-9]|2\d):\d\d$/.test(time)

/** A time in ISO 8601 with its offset from UTC. */
export const Time = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z', abort: true })
  .refine(isKeepable, 'must be a time of the years 1 to 9999, less than 16 hours from UTC')

/**
 * An SQL expression: a time to which a span of up to 10,000 years may be added, and from which one of a year may be taken. Without it one odd row, such
 * as one that waits until the last year of PostgreSQL, would end every list that has it.
 */
export const boundedTime = (time: string): string => `case
  when ${time} > timestamptz '280000-01-01 00:00:00+00' then timestamptz '280000-01-01 00:00:00+00'
  when ${time} < timestamptz '0001-01-01 00:00:00+00' then timestamptz '0001-01-01 00:00:00+00'
  else ${time}
end`

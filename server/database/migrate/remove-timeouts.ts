import type { Session } from '../sql.ts'

/** An index on a large table takes long to build, and waits for every transaction that uses the table. */
export const removeTimeouts = (session: Session) =>
  session`select set_config(name, '0', false) from (values ('statement_timeout'), ('lock_timeout')) as limits (name)`

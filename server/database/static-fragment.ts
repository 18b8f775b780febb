import type { Fragment, Sql } from './sql.ts'

/** A part of statements without parameters, made once for each connection pool: to make it takes as long as to send it. */
export function staticFragment(make: (sql: Sql) => Fragment): (sql: Sql) => Fragment {
  const made = new WeakMap<Sql, Fragment>()
  return (sql) => {
    const known = made.get(sql) ?? make(sql)
    made.set(sql, known)
    return known
  }
}

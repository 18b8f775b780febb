import type { Fragment, Sql } from './sql.ts'

/** A fragment without parameters, made once per pool or transaction, because making it takes as long as sending it. */
export function staticFragment(make: (sql: Sql) => Fragment): (sql: Sql) => Fragment {
  const made = new WeakMap<Sql, Fragment>()
  return (sql) => {
    const known = made.get(sql) ?? make(sql)
    made.set(sql, known)
    return known
  }
}

import type { Sql } from 'postgres'
import { onTestFinished } from 'vitest'
import { until } from '../poll.ts'

/**
 * A place in the database where transactions of the servers stop until the test lets them pass. It makes the order of two
 * servers certain where a race would only make it likely.
 */
export interface Gate {
  /** Resolves when a transaction stands at the gate. */
  reached: () => Promise<unknown>
  /**
   * Resolves when another transaction waits for a lock of the one that stands at the gate, or when `answer` is there: a
   * server that knows no such lock waits for nothing.
   */
  blocked: (answer: Promise<unknown>) => Promise<unknown>
  /** Lets all pass, from now on. The end of the test does the same. */
  open: () => Promise<void>
}

let gates = 0

/**
 * Puts a gate in the way of a statement.
 * @param when the trigger's event, such as `after delete on jobs for each row`
 */
export async function closeGate(sql: Sql, when: string): Promise<Gate> {
  gates += 1
  const name = `gate_${gates}`
  await sql.unsafe(`
    create table ${name} ();
    create function pass_${name}() returns trigger language plpgsql as $$
    begin
      lock table public.${name} in access share mode;
      return null;
    end $$;
    create trigger ${name} ${when} execute function pass_${name}()`)
  return standAt(sql, name)
}

/** Puts a gate in the way of every statement that makes a table; it is no object of the schema `public` of the servers. */
export async function closeGateOfTables(sql: Sql): Promise<Gate> {
  await sql.unsafe(`
    create schema gates;
    create table gates.tables ();
    create function gates.pass_tables() returns event_trigger language plpgsql as $$
    begin
      lock table gates.tables in access share mode;
    end $$;
    create event trigger gate_of_tables on ddl_command_start when tag in ('CREATE TABLE') execute function gates.pass_tables()`)
  return standAt(sql, 'gates.tables')
}

async function standAt(sql: Sql, table: string): Promise<Gate> {
  const session = await sql.reserve()
  await session.unsafe(`begin; lock table ${table} in access exclusive mode`)
  const waiting = async (isAtGate: boolean) => {
    const [row] = await sql<{ n: number }[]>`
      select count(*)::int as n
      from pg_locks
      join pg_stat_activity using (pid)
      where not granted and datname = current_database()
        and (relation is not distinct from ${table}::regclass) = ${isAtGate}`
    return (row?.n ?? 0) > 0
  }
  let closed = true
  const open = async () => {
    if (!closed) return
    closed = false
    await session.unsafe('commit')
    session.release()
  }
  onTestFinished(open)
  return {
    open,
    reached: () => until('a transaction stands at the gate', () => waiting(true)),
    blocked: (answer) => {
      let answered = false
      const settle = () => {
        answered = true
      }
      answer.then(settle, settle)
      return until('another server waits', async () => answered || (await waiting(false)))
    },
  }
}

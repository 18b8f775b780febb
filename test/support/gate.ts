import type { Sql } from 'postgres'
import { onTestFinished } from 'vitest'
import { until } from './poll.ts'

/**
 * A place in the database where transactions of the servers stop until the test lets them pass. It makes the order of two
 * servers certain where a race would only make it likely.
 */
export interface Gate {
  /**
   * Resolves when a transaction stands at the gate.
   * @throws Error when the call that should come there has ended before
   */
  reached: (call: Promise<unknown>) => Promise<unknown>
  /**
   * Resolves when another transaction waits, for a lock or at another gate, or when `call` has ended: a server that does
   * not know the lock of the transaction at this gate goes on.
   */
  blocked: (call: Promise<unknown>) => Promise<unknown>
  /** Lets all pass, from now on. The end of the test does the same. */
  open: () => Promise<void>
}

let gates = 0

/**
 * Puts a gate in the way of a statement.
 * @param when the trigger's event, such as `after delete on jobs for each row`
 */
export async function closeGate(sql: Sql, when: string): Promise<Gate> {
  const gate = await build(sql, 'trigger')
  await sql.unsafe(`create trigger ${gate.name} ${when} execute function gates.${gate.name}()`)
  return gate
}

/** Puts a gate in the way of every statement that makes a table. */
export async function closeGateOfTables(sql: Sql): Promise<Gate> {
  const gate = await build(sql, 'event_trigger')
  await sql.unsafe(`
    create event trigger ${gate.name} on ddl_command_start when tag in ('CREATE TABLE')
    execute function gates.${gate.name}()`)
  return gate
}

/**
 * The function sleeps as long as its gate has a row. It waits for no lock, since a server gives up a lock after a time of
 * its own. A schema of its own keeps the gate out of the way of the servers.
 */
async function build(sql: Sql, returns: 'trigger' | 'event_trigger'): Promise<Gate & { name: string }> {
  gates += 1
  const name = `gate_${gates}`
  await sql.unsafe(`
    create schema if not exists gates;
    create table gates.${name}_closed as select true as closed;
    create function gates.${name}() returns ${returns} language plpgsql as $$
    begin
      perform set_config('application_name', '${name}', true);
      while exists (select from gates.${name}_closed) loop
        perform pg_sleep(0.01);
      end loop;
      ${returns === 'trigger' ? 'return null;' : ''}
    end $$`)
  const open = async () => void (await sql.unsafe(`delete from gates.${name}_closed`))
  // A test that has closed its database leaves no gate behind.
  onTestFinished(() => open().catch(() => {}))
  return { name, open, ...watchGate(sql, name) }
}

function watchGate(sql: Sql, name: string): Pick<Gate, 'reached' | 'blocked'> {
  const stands = async () => {
    const { count } = await sql`
      select from pg_stat_activity
      where datname = current_database() and application_name = ${name} and wait_event = 'PgSleep'`
    return count > 0
  }
  const waits = async () => {
    const { count } = await sql`
      select from pg_stat_activity
      where datname = current_database() and application_name <> ${name}
        and (wait_event_type = 'Lock' or wait_event = 'PgSleep')`
    return count > 0
  }
  return {
    reached: async (call) => {
      const ended = await endedOr('a transaction stands at the gate', call, stands)
      if (ended) throw new Error('the call ended before it came to the gate')
    },
    blocked: (call) => endedOr('another server waits', call, waits),
  }
}

/**
 * Waits until a call has ended, well or not, or `look` finds what is named.
 * @returns true where the call has ended
 */
export async function endedOr(what: string, call: Promise<unknown>, look: () => Promise<boolean>): Promise<boolean> {
  let ended = false
  const end = () => {
    ended = true
  }
  call.then(end, end)
  await until(`${what}, or the call has ended`, async () => ended || (await look()))
  return ended
}

import { existsSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { Failure } from '../../shared/errors.ts'
import { type OnceAnswer, OnceOrder } from '../../shared/once.ts'
import { jsonOf } from '../database/lossless-json.ts'
import { createLog, type Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'
import { startOnce } from './start-once.ts'

/**
 * `jobs-server --once`: reads an order from stdin, answers with a line on stdout, and serves until the next order, or until stdin ends. The
 * parent has the other end of that pipe, so that it ends with the parent however that ends.
 */
export async function runOnce(): Promise<never> {
  if (process.stdin.isTTY) throw noOrder()
  // Ctrl-C reaches both processes, and the parent says what becomes of a running change.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  const orders = createInterface({ input: process.stdin })
  process.stdin.on('error', () => orders.close())
  let done: Done | undefined
  const end = async () => {
    await done?.stop()
    process.exit(done?.code ?? 1)
  }
  // The default of SIGTERM ends a process without its `exit` event, which is what removes the folder of a socket.
  process.on('SIGTERM', end)
  for await (const line of orders) {
    const before = done
    done = undefined
    await before?.stop()
    // The program is loaded, and the database before this one is closed: what follows is the time of the database.
    process.stdout.write('\n')
    done = await carryOut(line, orders)
  }
  done ??= await carryOut('', orders)
  return end()
}

/** What became of an order: how the process ends after it, and what then has to be ended. */
interface Done {
  code: 0 | 1
  stop: () => Promise<void>
}

async function carryOut(line: string, orders: Interface): Promise<Done> {
  const code = 0
  try {
    const order = orderOf(line)
    preferSockets(order)
    if (order.databases_like !== null) {
      // Nothing is written, so nothing has to be ended in order.
      orders.once('close', () => process.exit(code))
      const { findDatabases } = await import('./find-databases.ts')
      answer({ databases: await findDatabases(order, order.databases_like, process.env) })
      return { code, stop: async () => {} }
    }
    const { reached, stop } = await startOnce(order, process.env, logFor(order))
    answer({ reached })
    return { code, stop }
  } catch (error) {
    const { code, message, hint } = error instanceof Failure ? error : new Failure('internal', errorText(error))
    answer({ failed: { code, message, ...(hint !== undefined && { hint }) } })
    return { code: 1, stop: async () => {} }
  }
}

const answer = (what: OnceAnswer): void => void process.stdout.write(`${JSON.stringify(what)}\n`)

function orderOf(line: string): OnceOrder {
  const read = OnceOrder.safeParse(jsonOf(line))
  if (read.success) return read.data
  throw noOrder()
}

const noOrder = (): Failure =>
  new Failure('usage', '--once takes its order from the jobsctl that starts it; nothing was started', {
    hint: 'jobsctl stats --db <url>',
  })

const { PGHOST, PGHOSTADDR, PGPORT = '5432' } = process.env

/** As psql: where nothing names a host, a socket in a usual folder comes before localhost. */
function preferSockets({ database }: OnceOrder): void {
  // What an earlier order has preferred is not what the environment says.
  if (PGHOST === undefined) delete process.env.PGHOST
  if (PGHOST || PGHOSTADDR || database.includes('hostaddr')) return
  const folder = ['/var/run/postgresql', '/tmp'].find((path) => existsSync(`${path}/.s.PGSQL.${PGPORT}`))
  if (folder !== undefined) process.env.PGHOST = folder
}

const logFor = ({ log }: OnceOrder): Log =>
  createLog({ write: (line) => void (log && process.stderr.write(line)), readable: true })

import { existsSync } from 'node:fs'
import { Failure } from '../../shared/errors.ts'
import { type OnceAnswer, OnceOrder } from '../../shared/once.ts'
import { createLog, type Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'

/**
 * `jobs-server --once`: reads an order from stdin, answers with a line on stdout, and serves until stdin ends. The parent has the other end
 * of that pipe, so that it ends with the parent however that ends.
 */
export async function runOnce(): Promise<never> {
  if (process.stdin.isTTY) throw noOrder()
  // Ctrl-C reaches both processes, and the parent says what becomes of a running change.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  const parent = readParent()
  try {
    const order = orderOf(await parent.order)
    preferSockets(order)
    if (order.databases_like !== null) {
      // Nothing is written, so nothing has to be ended in order.
      void parent.gone.then(() => process.exit(0))
      const { findDatabases } = await import('./find-databases.ts')
      answer({ databases: await findDatabases(order, order.databases_like, process.env) })
      await parent.gone
      process.exit(0)
    }
    // Loaded here, since an order that is wrong needs no server.
    const { startOnce } = await import('./start-once.ts')
    const once = await startOnce(order, process.env, logFor(order))
    answer({ reached: once.reached })
    await Promise.race([parent.gone, terminated()])
    await once.stop()
    process.exit(0)
  } catch (error) {
    const { code, message, hint } = error instanceof Failure ? error : new Failure('internal', errorText(error))
    answer({ failed: { code, message, ...(hint !== undefined && { hint }) } })
    await parent.gone
    process.exit(1)
  }
}

const answer = (what: OnceAnswer): void => void process.stdout.write(`${JSON.stringify(what)}\n`)

/** The first line of stdin, and its end. A parent that ends before it has ordered anything leaves nothing to do. */
function readParent(): { order: Promise<string>; gone: Promise<void> } {
  let text = ''
  let ordered: (line: string) => void = () => {}
  const order = new Promise<string>((resolve) => {
    ordered = resolve
  })
  const gone = new Promise<void>((resolve) => {
    process.stdin.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.includes('\n')) ordered(text.slice(0, text.indexOf('\n')))
    })
    for (const event of ['end', 'close', 'error']) {
      process.stdin.once(event, () => {
        ordered(text)
        resolve()
      })
    }
  })
  return { order, gone }
}

function orderOf(line: string): OnceOrder {
  const read = OnceOrder.safeParse(jsonOf(line))
  if (read.success) return read.data
  throw noOrder()
}

const noOrder = (): Failure =>
  new Failure('usage', '--once takes its order from the jobsctl that starts it; nothing was started', {
    hint: 'jobsctl stats --db <url>',
  })

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** As psql: where nothing names a host, a socket in a usual folder comes before localhost. */
function preferSockets({ database }: OnceOrder): void {
  const { PGHOST, PGHOSTADDR, PGPORT = '5432' } = process.env
  if (PGHOST || PGHOSTADDR || database.includes('hostaddr')) return
  const folder = ['/var/run/postgresql', '/tmp'].find((path) => existsSync(`${path}/.s.PGSQL.${PGPORT}`))
  if (folder !== undefined) process.env.PGHOST = folder
}

const logFor = ({ log }: OnceOrder): Log =>
  createLog({ write: (line) => void (log && process.stderr.write(line)), readable: true })

const terminated = (): Promise<void> => new Promise((resolve) => process.once('SIGTERM', () => resolve()))

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread, parentPort } from 'node:worker_threads'
import { createRandom } from '../../stress/random.ts'
import { Fault } from './fault.ts'
import { LosingDisk } from './losing-disk.ts'

/*
 * Node loads this before the server, in each of its threads. In the thread of the database it lets happen what the file
 * FAULT_FILE says, for as long as the file is there. The server is the built one, and knows nothing of it.
 */
const file = process.env.FAULT_FILE ?? ''
/** Nothing can be read from it, so that a read waits for ever. */
const pipe = process.env.FAULT_PIPE ?? ''
const spare = process.env.FAULT_SPARE ?? ''

const reading = ['readSync']
const changing = [
  ...['writeSync', 'fsyncSync', 'openSync', 'ftruncateSync', 'renameSync', 'unlinkSync'],
  ...['mkdirSync', 'writeFileSync', 'rmSync'],
]
let operations = 0
/** The functions here use functions of `fs`, too. */
let inside = false
let disk: LosingDisk | undefined

const wanted = (): Fault | undefined =>
  fs.existsSync(file) ? Fault.parse(JSON.parse(fs.readFileSync(file, 'utf8'))) : undefined

function quietly<Result>(run: () => Result): Result {
  inside = true
  try {
    return run()
  } finally {
    inside = false
  }
}

/** Lets a fault happen that is due. `change` is true for an operation that changes a file. */
function meet(at: Fault['at'], change: boolean): void {
  const fault = wanted()
  if (!fault || fault.at !== at || operations < fault.after) return
  if (fault.once) fs.rmSync(file)
  if (fault.kind === 'ENOSPC' || fault.kind === 'EROFS') {
    if (change) throw systemError(fault.kind)
  } else happen(fault)
}

function happen({ kind, ms, chance, seed }: Fault): void {
  if (kind === 'die') process.exit(1)
  if (kind === 'spin') for (;;);
  if (kind === 'wait' || kind === 'pause') {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, kind === 'pause' ? ms : undefined)
  }
  if (kind === 'stuck') fs.readSync(fs.openSync(pipe, 'r+'), Buffer.alloc(1))
  if (kind !== 'power cut') return
  const random = createRandom(seed, 'power')
  disk?.lose(chance, () => random.between(0, 1))
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

const errors = {
  ENOSPC: { errno: -28, code: 'ENOSPC', message: 'ENOSPC: no space left on device' },
  EROFS: { errno: -30, code: 'EROFS', message: 'EROFS: read-only file system' },
}
const systemError = (code: keyof typeof errors): Error => Object.assign(new Error(), errors[code])

const opensToRead = (name: string, flags: unknown): boolean =>
  name === 'openSync' && (flags === 'r' || (typeof flags === 'number' && (flags & 3) === 0))

function extend(name: string): void {
  const original: (...args: unknown[]) => unknown = Reflect.get(fs, name)
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      if (inside) return original(...args)
      quietly(() => {
        operations += 1
        meet('file', changing.includes(name) && !opensToRead(name, args[1]))
        disk?.before(name, args)
      })
      const result = original(...args)
      quietly(() => disk?.after(name, args, result))
      return result
    },
  })
}

function extendMemory(): void {
  const memory: { grow: (pages: number) => number } = Reflect.get(globalThis, 'WebAssembly').Memory.prototype
  const { grow } = memory
  memory.grow = function (pages) {
    if (wanted()?.kind === 'no memory') throw new RangeError('the campaign gives no more memory')
    return grow.call(this, pages)
  }
}

function extendAnswers(port: NonNullable<typeof parentPort>): void {
  const post = port.postMessage.bind(port)
  port.postMessage = (message: unknown) => {
    if (message instanceof Uint8Array) quietly(() => meet('answer', false))
    post(message)
  }
}

if (!isMainThread && parentPort) {
  if (wanted()?.kind === 'power cut') disk = new LosingDisk(spare)
  for (const name of [...reading, ...changing]) extend(name)
  syncBuiltinESMExports()
  extendMemory()
  extendAnswers(parentPort)
}

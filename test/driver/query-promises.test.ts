import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { queryPromises } from '../../scripts/build/driver/query-promises.ts'
import { reproduces } from './reproduces.ts'

const parts = 20_000

reproduces(
  queryPromises,
  'V8 frees the parts of statements without a collection of the whole heap',
  async ({ connect }) => {
    setFlagsFromString('--expose-gc')
    const gc: (options: { type: 'minor' }) => void = runInNewContext('gc')
    const sql = connect()
    const before = process.memoryUsage().heapUsed
    for (let n = 0; n < parts; n++) sql`where id = ${n}`
    // An object that is in use survives two of them, and is then in the part of the heap that they leave alone.
    for (let n = 0; n < 4; n++) gc({ type: 'minor' })
    const bytesOfEach = (process.memoryUsage().heapUsed - before) / parts
    return bytesOfEach < 200
  },
  true,
)

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** What a server on bare node:http is: nothing but an answer. */
const script = `
  const { createServer } = require('node:http')
  const server = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'application/json', 'content-length': 15 })
    answer.end('{"status":"ok"}')
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.stdin.on('end', () => process.exit()).resume()`

interface BareServer {
  url: string
  stop: () => void
}

/** Starts one, as a process of its own that ends with this one. */
export async function startBareServer(): Promise<BareServer> {
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (!child.stdout) throw new Error('it has no output')
  for await (const port of createInterface(child.stdout)) {
    return { url: `http://127.0.0.1:${port}`, stop: () => child.stdin?.end() }
  }
  throw new Error('it ended at once')
}

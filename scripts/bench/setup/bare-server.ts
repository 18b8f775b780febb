import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A server on node:http that only writes a fixed response. */
const script = `
  const { createServer } = require('node:http')
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 15 })
    response.end('{"status":"ok"}')
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.stdin.on('end', () => process.exit()).resume()`

interface BareServer {
  url: string
  stop: () => void
}

/**
 * Starts the server in its own process, which ends with this one.
 * @throws Error when the process ends before it listens
 */
export async function startBareServer(): Promise<BareServer> {
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (!child.stdout) throw new Error('the server process has no standard output')
  for await (const port of createInterface(child.stdout)) {
    return { url: `http://127.0.0.1:${port}`, stop: () => child.stdin?.end() }
  }
  throw new Error('the server process ended before it listened')
}

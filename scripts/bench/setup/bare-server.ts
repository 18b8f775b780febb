import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Bench } from '../bench.ts'

/**
 * A server on node:http that parses what it is sent and answers the text of a file; to a POST with jobs it answers as many numbers as it has
 * jobs, or, where they are finished, how many they are.
 */
const script = `
  const { createServer } = require('node:http')
  const body = require('node:fs').readFileSync(process.argv[1], 'utf8')
  const length = Buffer.byteLength(body)
  const server = createServer((request, response) => {
    if (request.method === 'POST') answerPost(request, response)
    else answerText(response)
  })
  function answerText(response) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length })
    response.end(body)
  }
  function answerPost(request, response) {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { jobs } = JSON.parse(Buffer.concat(chunks).toString())
      if (jobs === undefined) return answerText(response)
      const isFinish = request.url.endsWith('/finish')
      const answer = isFinish ? { ok: jobs.length, failed: [] } : { ids: jobs.map((_, at) => at), created: jobs.length }
      const body = JSON.stringify(answer)
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': body.length })
      response.end(body)
    })
  }
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.stdin.on('end', () => process.exit()).resume()`

interface BareServer {
  url: string
  stop: () => void
}

/**
 * Starts a server that answers every GET, and every POST without jobs, with this text, in its own process, which ends with this one.
 * @throws Error when the process ends before it listens
 */
export async function startBareServer({ folder }: Pick<Bench, 'folder'>, body: string): Promise<BareServer> {
  const file = join(await mkdtemp(join(folder, 'bare-')), 'body')
  await writeFile(file, body)
  const child: ChildProcess = spawn(process.execPath, ['-e', script, file], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (!child.stdout) throw new Error('the server process has no standard output')
  for await (const port of createInterface(child.stdout)) {
    return { url: `http://127.0.0.1:${port}`, stop: () => child.stdin?.end() }
  }
  throw new Error('the server process ended before it listened')
}

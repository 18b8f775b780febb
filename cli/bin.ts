#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { runMain } from 'node:module'
import { dirname, join } from 'node:path'
import { isOftenUsed } from './command-line/often-used.ts'
import { quickAnswer } from './quick-answer.ts'
import { fileErrorText } from './system.ts'

const [, program = '', ...argv] = process.argv
if (argv[0] === 'server') startServer()
else startClient()

/** This process becomes jobs-server, so that signals and the exit code are those of the server. */
function startServer(): void {
  const server = join(dirname(realpathSync(program)), '../server/main.js')
  process.argv.splice(1, 2, server)
  runMain(server)
}

function startClient(): void {
  // A reader that closes the pipe early, such as `head`, is no failure, and a change that runs goes on.
  let outGone = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    outGone = true
    if (error.code === 'EPIPE') return
    process.stderr.on('error', () => {})
    process.stderr.write(
      `error: cannot write to stdout: ${fileErrorText(error)}; the command itself goes on, and nothing is rolled back\n`,
    )
    process.once('exit', (code) => {
      if (code === 0) process.exitCode = 1
    })
  })

  const quick = quickAnswer(argv)
  if (quick === undefined) {
    const running = isOftenUsed(argv[0]) ? import('./run-often-used.ts') : import('./run-any.ts')
    void running.then(({ run }) => run(argv, () => outGone))
  } else process.stdout.write(quick)
}

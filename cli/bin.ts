#!/usr/bin/env node
import { isOftenUsed } from './command-line/often-used.ts'
import { quickAnswer } from './quick-answer.ts'
import { fileErrorText } from './system.ts'

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

const argv = process.argv.slice(2)
const quick = quickAnswer(argv)
if (quick === undefined) {
  const program = isOftenUsed(argv[0]) ? import('./run-often-used.ts') : import('./run-any.ts')
  void program.then(({ run }) => run(argv, () => outGone))
} else process.stdout.write(quick)

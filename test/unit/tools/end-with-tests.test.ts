import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'

const support = new URL('../../support/programs/end-with-tests.ts', import.meta.url).href

/** Starts a program that would run for ever, one that is frozen as well, and one that ends. */
const starts = `
  import { spawn } from 'node:child_process'
  import { endWithTests } from '${support}'
  const start = (line) => {
    const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'inherit', 'inherit'] })
    endWithTests(child)
    return child
  }
  start('exec sleep 3600')
  start('exec sleep 3600').kill('SIGSTOP')
  start('exit').on('exit', () => console.log('started'))
  setInterval(() => {}, 1000)`

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'no program stays behind when a process of tests ends by %s',
  async (signal) => {
    const tests = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', starts])
    await once(tests.stdout, 'data')
    tests.kill(signal)
    // Each program holds the output open for as long as it runs.
    expect(await text(tests.stderr)).toBe('')
  },
)

import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/**
 * Prints the tests that failed and passed when they were repeated, with the error of their failure. CI repeats a test once
 * (`TEST_RETRIES=1`), since one race among thousands of tests would end it, and hides no failure: each of these tests, or what it
 * tests, has a fault.
 */
export const repeatedTests: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const repeated = modules
      .flatMap(({ children }) => [...children.allTests()])
      .filter((test) => test.diagnostic()?.flaky)
    if (repeated.length === 0) return
    console.log('\nTests that failed, and passed when they were repeated. Each of them has a fault to mend:')
    for (const test of repeated) {
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}`)
      for (const error of test.result().errors ?? []) console.log(`    ${textOf(error).replaceAll('\n', '\n    ')}`)
    }
  },
}

/** A property says in its error which values break it, and in the cause of that error what is wrong then. */
const textOf = ({ message, diff, cause }: SerializedError): string =>
  [message, diff, ...(cause ? [`Caused by: ${textOf(cause)}`] : [])].filter(Boolean).join('\n')
